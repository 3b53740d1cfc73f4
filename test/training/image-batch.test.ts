import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import type { ImageFeature, Normalizer, VectorFeature } from '../../src/spec/policy-spec.js';
import { ImageBatchPacker, type ImageBatchShape, type ImagePolicyBatch } from '../../src/training/image-policy/batch.js';

const none = new Float32Array(0);
const NORMALIZER: Normalizer = { mode: 'identity', subtract: none, divide: none, multiply: none, add: none };
const vectorOf = (name: string, size: number): VectorFeature => ({ kind: 'vector', name, rawName: name, size, normalizer: NORMALIZER });
const camera = (name: string): ImageFeature => ({
  kind: 'image',
  name,
  rawName: name,
  size: 4,
  channels: 3,
  height: 3,
  width: 5,
  normalizer: NORMALIZER,
});
/** 45 bytes a picture: not a multiple of four. */
const SHAPE: ImageBatchShape = {
  batchSize: 2,
  observationSteps: 2,
  observations: [vectorOf('state', 3), camera('left'), camera('right'), vectorOf('environment', 1)],
  frame: [3, 5],
  kept: [2, 2],
  layout: 'hwc',
};

function batchOf(count: number): ImagePolicyBatch {
  const pictures = [0, 1].map((index) => Uint8Array.from({ length: count * 2 * 45 }, (_, i) => (i + 100 * index) % 251));
  return {
    count,
    vectors: Float32Array.from({ length: count * 2 * 4 }, (_, i) => i + 1),
    pictures,
    crops: [0, 1].map((index) => Int32Array.from({ length: count * 2 * 2 }, (_, i) => (i % 2 === 0 ? index : i % 4))),
    actions: none,
    noise: none,
    timesteps: new Int32Array(count),
    validity: null,
  };
}

describe('a batch with pictures', () => {
  it('has its vectors around the features of their frame, pictures at multiples of four bytes, and crops by picture', () => {
    const batch = batchOf(2);
    const { conditioning, frames, offsets } = new ImageBatchPacker(SHAPE).pack(batch);
    expect([...conditioning.subarray(0, 24)]).toEqual([1, 2, 3, ...new Array(8).fill(0), 4, 5, 6, 7, ...new Array(8).fill(0), 8]);
    expect(frames.length).toBe(2 * 4 * 48);
    for (const [index, own] of batch.pictures.entries()) {
      for (let picture = 0; picture < 4; picture++) {
        const at = (index * 4 + picture) * 48;
        expect(frames.subarray(at, at + 45)).toEqual(own.subarray(picture * 45, (picture + 1) * 45));
      }
    }
    expect([...offsets]).toEqual([0, 1, 0, 3, 0, 1, 0, 3, 1, 1, 1, 3, 1, 1, 1, 3]);
  });

  it('takes the middle where no crop is given, rounded as Python does', () => {
    const { offsets } = new ImageBatchPacker(SHAPE).pack({ ...batchOf(2), crops: null });
    // (3 − 2) / 2 and (5 − 2) / 2: halves go to the even one.
    expect([...offsets.subarray(0, 4)]).toEqual([0, 2, 0, 2]);
  });

  it('may be short: the rest stays as it is, and conditioning is 0', () => {
    const packer = new ImageBatchPacker(SHAPE);
    packer.pack(batchOf(2));
    const { conditioning } = packer.pack(batchOf(1));
    expect(conditioning.subarray(24).every((value) => value === 0)).toBe(true);
  });

  it.each<[string, (batch: ImagePolicyBatch) => object]>([
    ['batch.count: expected an integer from 1 to 2', () => ({ count: 3 })],
    ['batch.vectors: expected 4 × 4 values in a Float32Array', () => ({ vectors: new Float32Array(3) })],
    ['expected one for each of 2 cameras', ({ pictures }) => ({ pictures: pictures.slice(1) })],
    ['expected one for each of 2 cameras', ({ crops }) => ({ crops: crops?.slice(1) })],
    ['batch.pictures of right: expected 4 × 45 values in a Uint8Array', ({ pictures }) => ({ pictures: [pictures[0], new Uint8Array(9)] })],
    ['batch.crops of left: expected 4 × 2 values in an Int32Array', ({ crops }) => ({ crops: [new Int32Array(2), crops?.[1]] })],
    [
      'batch.crops of right: expected top from 0 to 1 for picture 1, found 2',
      ({ crops }) => ({ crops: [crops?.[0], crops?.[1]?.map((v, i) => (i === 2 ? 2 : v))] }),
    ],
    [
      'batch.crops of left: expected left from 0 to 3 for picture 0, found -1',
      ({ crops }) => ({ crops: [crops?.[0]?.map((v, i) => (i === 1 ? -1 : v)), crops?.[1]] }),
    ],
  ])('says what is wrong: %s', (message, change) => {
    const batch = batchOf(2);
    const pack = (): unknown => new ImageBatchPacker(SHAPE).pack({ ...batch, ...change(batch) } as ImagePolicyBatch);
    expect(pack).toThrow(OptionError);
    expect(pack).toThrow(message);
  });
});
