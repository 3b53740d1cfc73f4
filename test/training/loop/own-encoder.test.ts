import { describe, expect, it } from 'vitest';
import type { PolicyCheckpoint } from '../../../src/checkpoints/types.js';
import { OptionError } from '../../../src/foundation/errors.js';
import { type ImageEncoderOptions, ownRows } from '../../../src/training/loop/own-encoder.js';

const camera = (name: string, rawName = name) => ({ kind: 'image', name, rawName, size: 64, height: 96, width: 96, channels: 3 });
const vector = (name: string, size: number, rawName = name) => ({ kind: 'vector', name, rawName, size });

/** What a policy with these observations has its network read. */
function rowsOf(observations: readonly object[], options: Omit<ImageEncoderOptions, 'type'> = {}) {
  return ownRows('test', { name: 'p', observations } as unknown as PolicyCheckpoint, { type: 'small_conv', ...options });
}

describe('what a network with an image encoder of its own reads', () => {
  it('is all that the policy observes, by name, with 128 features for a picture', () => {
    const rows = rowsOf([vector('state', 7), camera('wrist'), vector('environment', 4), camera('front')]);
    expect(rows).toEqual({
      kind: 'raw',
      cameras: ['front', 'wrist'],
      vectors: ['environment', 'state'],
      encoder: { features: 128, height: 96, width: 96, imagenetNorm: false },
      width: 2 * 128 + 11,
    });
  });

  it('is what is named, in that order, by the names of the policy or of the data set', () => {
    const rows = rowsOf([camera('top', 'cam_high'), camera('side'), vector('state', 7)], {
      embedDim: 8,
      imageKeys: ['side', 'cam_high'],
      stateKeys: [],
    });
    expect(rows).toMatchObject({ cameras: ['side', 'top'], vectors: [], width: 16 });
  });

  it('is every observation once where a policy has exchanged the names of two', () => {
    const exchanged = [camera('A', 'B'), camera('B', 'A'), vector('x', 1, 'y'), vector('y', 2, 'x')];
    expect(rowsOf(exchanged, { imageKeys: ['A', 'B'], stateKeys: ['y', 'x'] })).toMatchObject({ cameras: ['A', 'B'], vectors: ['y', 'x'] });
  });

  it('refuses one observation under both of its names', () => {
    const observations = [camera('top', 'cam_high'), vector('state', 7, 'qpos')];
    for (const keys of [{ imageKeys: ['cam_high', 'top'] }, { stateKeys: ['state', 'qpos'] }]) {
      expect(() => rowsOf(observations, keys)).toThrow(OptionError);
      expect(() => rowsOf(observations, keys)).toThrow(/are the same (image|vector) of policy "p": name it once/);
    }
  });
});
