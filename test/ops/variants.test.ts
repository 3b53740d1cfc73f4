import { describe, expect, it } from 'vitest';
import { convOutLength, tapMap } from '../../kernels/conv/taps.js';
import { TEXTURE_WIDTH } from '../../kernels/lib/kernel.js';
import { type Conv1dWeights, recordConv1d } from '../../src/ops/conv1d.js';
import { chooseMapPlace } from '../../src/ops/feature-maps.js';
import { chooseConv1dTiling, chooseWeightPlace, reductionInvocations } from '../../src/ops/variants.js';
import type { DeviceClass } from '../../src/runtime/device-class.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import { channelsFirst } from '../../src/runtime/tensor.js';
import { TEXTURE_WIDTH as PLAN_TEXTURE_WIDTH } from '../../src/runtime/texture-format.js';

const CLASSES: readonly DeviceClass[] = ['gpu', 'lavapipe', 'software'];

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe.each(CLASSES)('tiling on the device class %s', (deviceClass) => {
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

describe('the choice of a variant', () => {
  it('puts weights into storage textures on lavapipe, where the language has those that are read', () => {
    const places = (readsStorageTextures: boolean): string[] =>
      CLASSES.map((deviceClass) => chooseWeightPlace({ deviceClass, readsStorageTextures }));
    expect(places(true)).toEqual(['buffer', 'texture', 'buffer']);
    expect(places(false)).toEqual(['buffer', 'buffer', 'buffer']);
  });

  it('puts feature maps there as well, where they fit into a texture', () => {
    const map = { batch: 36, channels: 64, height: 15, width: 20 };
    const places = (readsStorageTextures: boolean, batch = 36): string[] =>
      CLASSES.map((deviceClass) => chooseMapPlace({ ...map, batch }, { deviceClass, readsStorageTextures }));
    expect(places(true)).toEqual(['buffer', 'texture', 'buffer']);
    expect(places(false)).toEqual(['buffer', 'buffer', 'buffer']);
    expect(PLAN_TEXTURE_WIDTH).toBe(TEXTURE_WIDTH);
    // 8192 × 8192 texels of four channels.
    expect(places(true, Math.floor(2 ** 26 / (16 * 300)))).toContain('texture');
    expect(places(true, Math.floor(2 ** 26 / (16 * 300)) + 1)).not.toContain('texture');
  });

  it('gives a reduction to one invocation on software drivers, and shares it on a GPU', () => {
    const shape = { inChannels: 256, outChannels: 256, outLength: 16, columnMultiple: 1 };
    expect(CLASSES.map((deviceClass) => chooseConv1dTiling(shape, deviceClass).slices > 1)).toEqual([true, false, false]);
    expect(CLASSES.map((deviceClass) => reductionInvocations(1000, deviceClass))).toEqual([64, 8, 8]);
    expect(CLASSES.map((deviceClass) => reductionInvocations(3, deviceClass))).toEqual([4, 4, 4]);
  });

  it.each(CLASSES)('the tiling and the text of the kernel do not depend on the batch (%s)', (deviceClass) => {
    const buffer = { label: 'weights', size: 64 } as GPUBuffer;
    const sizes = { inChannels: 40, outChannels: 24, kernelSize: 3, transposed: false };
    const weights: Conv1dWeights = { ...sizes, storage: 'f32', place: 'buffer', bytes: 64, weight: buffer, bias: buffer };
    const recorded = [1, 3, 17].map((batch) => {
      const builder = new PlanBuilder(deviceClass);
      builder.segment('s');
      const [x, y] = [channelsFirst(builder, 'x', batch, 40, 12), channelsFirst(builder, 'y', batch, 24, 12)];
      recordConv1d(builder, weights, { x, y, padding: 1 });
      const [dispatch] = builder.segments[0]?.dispatches ?? [];
      return { code: dispatch?.kernel.code, tiles: dispatch?.workgroups.slice(0, 2), batch: dispatch?.workgroups[2] };
    });
    expect(new Set(recorded.map(({ code }) => code)).size).toBe(1);
    expect(new Set(recorded.map(({ tiles }) => String(tiles))).size).toBe(1);
    expect(recorded.map(({ batch }) => batch)).toEqual([1, 3, 17]);
  });
});

describe('weights in a texture', () => {
  it('count as the words of the matrix, not as whole rows of texels', () => {
    const texture = { label: 'weights', width: 8192, height: 1, createView: () => ({}) } as unknown as GPUTexture;
    const bias = { label: 'bias', size: 32 } as GPUBuffer;
    const sizes = { inChannels: 8, outChannels: 8, kernelSize: 3, transposed: false };
    const weights: Conv1dWeights = { ...sizes, storage: 'f32', place: 'texture', bytes: 3072, weight: texture, bias };
    const builder = new PlanBuilder('lavapipe');
    builder.segment('s');
    recordConv1d(builder, weights, { x: channelsFirst(builder, 'x', 1, 8, 16), y: channelsFirst(builder, 'y', 1, 8, 16), padding: 1 });
    const [dispatch] = builder.segments[0]?.dispatches ?? [];
    const read = dispatch?.bindings.filter(({ buffer }) => buffer.existing).map(({ buffer }) => [buffer.label, buffer.bytes]);
    expect(read).toEqual([
      ['weights', 3072],
      ['bias', 32],
    ]);
    // Of which nothing is known counts as a whole.
    expect(builder.existing(texture).bytes).toBe(8192 * 16);
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

  it("output lengths are PyTorch's", () => {
    expect(convOutLength({ kernelSize: 3, stride: 2, padding: 1, transposed: false, inLength: 16 })).toBe(8);
    expect(convOutLength({ kernelSize: 3, stride: 2, padding: 1, transposed: false, inLength: 5 })).toBe(3);
    expect(convOutLength({ kernelSize: 4, stride: 2, padding: 1, transposed: true, inLength: 8 })).toBe(16);
    expect(convOutLength({ kernelSize: 3, stride: 3, padding: 0, transposed: true, inLength: 4 })).toBe(12);
  });
});
