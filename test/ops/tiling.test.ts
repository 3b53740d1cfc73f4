import { describe, expect, it } from 'vitest';
import { convOutLength, tapMap } from '../../kernels/taps.js';
import { chooseConv1dTiling, reductionInvocations } from '../../src/ops/tiling.js';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe.each(['software', 'gpu'] as const)('tiling on the device class %s', (deviceClass) => {
  it('stays within what every device grants, for every shape', () => {
    for (const channels of [1, 3, 5, 40, 257, 2048]) {
      for (const outLength of range(80)) {
        for (const columnMultiple of [1, 2, 3]) {
          const shape = { inChannels: channels, outChannels: channels, outLength, columnMultiple };
          const { columns, lanes, slices } = chooseConv1dTiling(shape, deviceClass);
          expect(columns).toBeGreaterThan(0);
          expect(columns).toBeLessThanOrEqual(16);
          expect(lanes * slices).toBeLessThanOrEqual(256);
          expect(slices).toBeLessThanOrEqual(channels);
          // Later tiles of a transposed convolution begin at a multiple of its stride.
          if (columns < outLength) expect(columns % columnMultiple).toBe(0);
        }
      }
    }
  });

  it('reductions use a power of two of invocations, no more than there are values', () => {
    for (const elements of range(200)) {
      const invocations = reductionInvocations(elements, deviceClass);
      expect(Math.log2(invocations) % 1).toBe(0);
      expect(invocations).toBeLessThan(2 * elements);
      expect(invocations).toBeLessThanOrEqual(64);
    }
  });
});

describe('tap map', () => {
  /** Weight taps that meet each input column, for every output column: by the definition in taps.ts. */
  function pairs(transposed: boolean, kernelSize: number, stride: number, padding: number, outLength: number): Set<string> {
    const found = new Set<string>();
    for (let t = 0; t < outLength; t++) {
      for (let tap = 0; tap < kernelSize; tap++) {
        const q = transposed ? (t + padding - tap) / stride : t * stride + tap - padding;
        if (Number.isInteger(q)) found.add(`${t} ${tap} ${q}`);
      }
    }
    return found;
  }

  it.each([false, true])('transposed %s: tiles together hold each pair of output and tap once', (transposed) => {
    for (const kernelSize of [1, 2, 3, 4, 5]) {
      for (const stride of [1, 2, 3]) {
        for (const padding of [0, 1, 2]) {
          const geometry = { kernelSize, stride, padding, transposed, inLength: 9, outLength: 12 };
          const columns = 6;
          const map = tapMap(geometry, columns);
          const found = [0, columns].flatMap((first) =>
            map.taps.map(({ column, tap, window }) => `${first + column} ${tap} ${map.windowStart(first) + window}`),
          );
          expect(new Set(found)).toEqual(pairs(transposed, kernelSize, stride, padding, 12));
          expect(found).toHaveLength(new Set(found).size);
          expect(Math.max(...map.taps.map(({ window }) => window))).toBeLessThan(map.windowLength);
          expect(Math.min(...map.taps.map(({ window }) => window))).toBeGreaterThanOrEqual(0);
        }
      }
    }
  });

  it('output lengths are PyTorch\'s', () => {
    expect(convOutLength({ kernelSize: 3, stride: 2, padding: 1, transposed: false, inLength: 16 })).toBe(8);
    expect(convOutLength({ kernelSize: 3, stride: 2, padding: 1, transposed: false, inLength: 5 })).toBe(3);
    expect(convOutLength({ kernelSize: 4, stride: 2, padding: 1, transposed: true, inLength: 8 })).toBe(16);
    expect(convOutLength({ kernelSize: 3, stride: 3, padding: 0, transposed: true, inLength: 4 })).toBe(12);
  });
});
