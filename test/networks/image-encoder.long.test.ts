import { describe, expect, it } from 'vitest';
import { useTestDevice } from '../support/device.js';
import { imageCase } from '../support/image-case.js';
import { expectStages, runImageEncoder } from '../support/run-image-encoder.js';

const own = useTestDevice();
const gpu = useTestDevice({ deviceClass: 'gpu' });

describe('image encoders agree with the reference, stage by stage', () => {
  it.each([
    ['image-resize-crop', 20],
    ['image-odd', 20],
    ['image-resnet34', 10],
    ['image-large-frame', 10],
    ['step-image', 10],
    ['bridger-cvae-image', 20],
  ] as const)('%s', async (name, stages) => {
    const recorded = await imageCase(name);
    if (!recorded) throw new Error(`${name} is a part of the repository`);
    expectStages(await runImageEncoder(own(), recorded), stages);
  });

  it.each(['image-bn-separate', 'image-resize-crop', 'image-odd'])('%s, variants for GPUs', async (name) => {
    const recorded = await imageCase(name);
    if (!recorded) throw new Error(`${name} is a part of the repository`);
    expectStages(await runImageEncoder(gpu(), recorded), 20);
  });

  it.each([
    ['f16', 2e-3],
    ['int8', 0.1],
  ] as const)('image-bn-separate in %s: features within %f', async (precision, bound) => {
    const recorded = await imageCase('image-bn-separate');
    if (!recorded) throw new Error('image-bn-separate is a part of the repository');
    const { differences } = await runImageEncoder(own(), recorded, { precision });
    expect(differences.get('expected.encoder.0.out')).toBeLessThan(bound);
    expect(differences.get('expected.encoder.1.out')).toBeLessThan(bound);
  });
});

describe('features', () => {
  it('of image-pusht are those of the conditioning vector: both frames, in f16 weights', async () => {
    const recorded = await imageCase('image-pusht');
    if (!recorded) return;
    const { features } = await runImageEncoder(own(), recorded, { frames: 2 });
    const conditioning = (await recorded.recorded.readFloats('expected.global_cond')).slice();
    // Per frame: the state, 2 values, then the features.
    const expected = [0, 1].flatMap((frame) => [...conditioning.subarray(frame * 66 + 2, (frame + 1) * 66)]);
    const largest = Math.max(...expected.map(Math.abs));
    features.forEach((value, i) => expect(Math.abs(value - (expected[i] as number)) / largest).toBeLessThan(1e-4));
  });

  it('are the same bits for a frame alone and among others', async () => {
    const recorded = await imageCase('image-bn-separate');
    if (!recorded) throw new Error('image-bn-separate is a part of the repository');
    for (const device of [own(), gpu()]) {
      const { features: alone } = await runImageEncoder(device, recorded);
      const { features: both } = await runImageEncoder(device, recorded, { frames: 2 });
      // [camera][frame][64]
      expect(both.subarray(0, 64)).toEqual(alone.subarray(0, 64));
      expect(both.subarray(128, 192)).toEqual(alone.subarray(64, 128));
    }
  });
});
