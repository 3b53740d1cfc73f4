import { describe, expect, it } from 'vitest';
import { BLOCK_LANES, chunkGroup, chunkPairs, type WeightStorage } from '../../kernels/lib/weight-storage.wgsl.js';
import { convTransposeView, convView, type MatrixView } from '../../src/ops/matrix-view.js';
import { blockSize, packBlock } from '../../src/ops/weight-packing.js';

const STORAGES: readonly WeightStorage[] = ['f32', 'f16', 'int8'];

/** All blocks of a view, one behind the other. */
function pack(source: Float32Array, view: MatrixView, storage: WeightStorage): number[] {
  const blocks = Math.ceil(view.columns / (4 * BLOCK_LANES));
  return Array.from({ length: blocks }, (_, block) => {
    // A part that was packed before has left its values, and the array may be longer than a block.
    const out = new Float32Array(blockSize(storage, view) + 4).fill(NaN);
    packBlock(source, view, storage, block, out);
    expect([...out.subarray(-4)]).toEqual([NaN, NaN, NaN, NaN]);
    return [...out.subarray(0, -4)];
  }).flat();
}

/** What an invocation on `lane` loads, chunk by chunk: per pair (input channel, tap) four output channels. */
function chunksOf(packed: readonly number[], storage: WeightStorage, lane: number): number[][] {
  const size = 4 * chunkPairs(storage);
  const chunks: number[][] = [];
  for (let first = lane * size; first < packed.length; first += BLOCK_LANES * size) chunks.push(packed.slice(first, first + size));
  return chunks;
}

/** A tensor [output][input][tap] whose values are these three as digits: 214 is output 2, input 1, tap 4. */
function digits(outputs: number, inputs: number, taps: number): Float32Array {
  const value = (i: number): number => 100 * Math.floor(i / (inputs * taps)) + 10 * (Math.floor(i / taps) % inputs) + (i % taps);
  return Float32Array.from({ length: outputs * inputs * taps }, (_, i) => value(i));
}

describe('a chunk holds the weights of four output channels for successive pairs (input, tap)', () => {
  it('f32: one pair, and a group is one input channel', () => {
    const packed = pack(digits(2, 2, 3), convView(2, 2, 3), 'f32');
    expect(chunksOf(packed, 'f32', 0)).toEqual([
      [0, 100, 0, 0],
      [1, 101, 0, 0],
      [2, 102, 0, 0],
      [10, 110, 0, 0],
      [11, 111, 0, 0],
      [12, 112, 0, 0],
    ]);
  });

  it('f16: two pairs; with 5 taps the middle one of 5 chunks spans two input channels', () => {
    expect(chunkGroup('f16', 5)).toEqual({ channels: 2, chunks: 5 });
    const packed = pack(digits(3, 3, 5), convView(3, 3, 5), 'f16');
    expect(chunksOf(packed, 'f16', 0)).toEqual([
      [0, 100, 200, 0, 1, 101, 201, 0],
      [2, 102, 202, 0, 3, 103, 203, 0],
      [4, 104, 204, 0, 10, 110, 210, 0],
      [11, 111, 211, 0, 12, 112, 212, 0],
      [13, 113, 213, 0, 14, 114, 214, 0],
      // The second group has one channel; the other half of it is padding.
      [20, 120, 220, 0, 21, 121, 221, 0],
      [22, 122, 222, 0, 23, 123, 223, 0],
      [24, 124, 224, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0, 0],
    ]);
  });

  it('int8: four pairs; 4 taps fill a chunk, 3 and 5 taps fill 3 and 5 chunks with four input channels', () => {
    expect([4, 3, 5].map((taps) => chunkGroup('int8', taps))).toEqual([
      { channels: 1, chunks: 1 },
      { channels: 4, chunks: 3 },
      { channels: 4, chunks: 5 },
    ]);
    const four = pack(digits(1, 2, 4), convView(1, 2, 4), 'int8');
    expect(chunksOf(four, 'int8', 0)).toEqual([
      [0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0],
      [10, 0, 0, 0, 11, 0, 0, 0, 12, 0, 0, 0, 13, 0, 0, 0],
    ]);
    const three = pack(digits(4, 2, 3), convView(4, 2, 3), 'int8');
    expect(chunksOf(three, 'int8', 0)).toEqual([
      [0, 100, 200, 300, 1, 101, 201, 301, 2, 102, 202, 302, 10, 110, 210, 310],
      [11, 111, 211, 311, 12, 112, 212, 312, 0, 0, 0, 0, 0, 0, 0, 0],
      new Array(16).fill(0),
    ]);
  });
});

describe('chunks of a block lie lane by lane, blocks one behind the other', () => {
  it('a lane is four output channels, and lanes without any hold zeros', () => {
    const packed = pack(digits(6, 1, 1), convView(6, 1, 1), 'f32');
    expect(packed).toEqual([0, 100, 200, 300, 400, 500, ...new Array<number>(26).fill(0)]);
  });

  it('output channel 32 begins the second block', () => {
    const packed = pack(
      Float32Array.from({ length: 34 * 2 }, (_, i) => i),
      convView(34, 2, 1),
      'f32',
    );
    expect(packed).toHaveLength(2 * 2 * 32);
    expect(packed.slice(0, 32)).toEqual(Array.from({ length: 32 }, (_, output) => 2 * output));
    expect(packed.slice(32, 64)).toEqual(Array.from({ length: 32 }, (_, output) => 2 * output + 1));
    expect(packed.slice(64)).toEqual([64, 66, ...new Array<number>(30).fill(0), 65, 67, ...new Array<number>(30).fill(0)]);
  });
});

describe('what a view calls rows and columns', () => {
  it('of a transposed convolution [input][output][tap]', () => {
    // Digits are input, output, tap here.
    const packed = pack(digits(2, 3, 2), convTransposeView(3, 2, 2), 'f32');
    expect(chunksOf(packed, 'f32', 0)).toEqual([
      [0, 10, 20, 0],
      [1, 11, 21, 0],
      [100, 110, 120, 0],
      [101, 111, 121, 0],
    ]);
  });

  it('of a part of a matrix: rows of a joint projection, columns of a FiLM projection', () => {
    const source = Float32Array.from({ length: 4 * 3 }, (_, i) => i);
    const rows = { ...convView(2, 3, 1), offset: 2 * 3 };
    expect(chunksOf(pack(source, rows, 'f32'), 'f32', 0)).toEqual([
      [6, 9, 0, 0],
      [7, 10, 0, 0],
      [8, 11, 0, 0],
    ]);
    const columns: MatrixView = { rows: 2, columns: 4, taps: 1, offset: 1, inputStride: 1, outputStride: 3 };
    expect(chunksOf(pack(source, columns, 'f32'), 'f32', 0)).toEqual([
      [1, 4, 7, 10],
      [2, 5, 8, 11],
    ]);
  });
});

describe.each(STORAGES)('every weight is where the layout says, and everything else is 0: %s', (storage) => {
  // Around groups, lanes, blocks, and the pairs that are packed at once.
  const inputCounts = [1, 2, 3, 4, 5, 13, 65];
  const outputCounts = [1, 4, 31, 32, 33, 70];

  /** The definition of weight-storage.wgsl.ts, weight by weight. */
  function expected(value: (o: number, i: number, tap: number) => number, outputs: number, inputs: number, taps: number): Float32Array {
    const pairs = chunkPairs(storage);
    const group = chunkGroup(storage, taps);
    const groups = Math.ceil(inputs / group.channels);
    const out = new Float32Array(Math.ceil(outputs / 32) * groups * group.chunks * BLOCK_LANES * pairs * 4);
    for (let o = 0; o < outputs; o++) {
      const [block, lane] = [Math.floor(o / 32), Math.floor(o / 4) % BLOCK_LANES];
      for (let i = 0; i < inputs; i++) {
        for (let tap = 0; tap < taps; tap++) {
          const inGroup = (i % group.channels) * taps + tap;
          const chunk = (block * groups + Math.floor(i / group.channels)) * group.chunks + Math.floor(inGroup / pairs);
          out[((chunk * BLOCK_LANES + lane) * pairs + (inGroup % pairs)) * 4 + (o % 4)] = value(o, i, tap);
        }
      }
    }
    return out;
  }

  it.each([1, 2, 3, 4, 5, 7])('kernel size %i', (taps) => {
    for (const inputs of inputCounts) {
      for (const outputs of outputCounts) {
        // No weight is 0, and no two are equal.
        const source = Float32Array.from({ length: outputs * inputs * taps }, (_, i) => i + 1);
        const expectPacked = (view: MatrixView, value: (o: number, i: number, tap: number) => number): void => {
          const [found, wanted] = [pack(source, view, storage), expected(value, outputs, inputs, taps)];
          expect(found, `${outputs} outputs, ${inputs} inputs`).toHaveLength(wanted.length);
          expect(
            found.findIndex((weight, i) => weight !== wanted[i]),
            `${outputs} outputs, ${inputs} inputs: first difference`,
          ).toBe(-1);
        };
        expectPacked(convView(outputs, inputs, taps), (o, i, tap) => (o * inputs + i) * taps + tap + 1);
        expectPacked(convTransposeView(outputs, inputs, taps), (o, i, tap) => (i * outputs + o) * taps + tap + 1);
      }
    }
  });
});
