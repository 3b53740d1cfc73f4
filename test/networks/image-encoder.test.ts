import { describe, expect, it } from 'vitest';
import { keypointMapSize } from '../../src/networks/image-encoder/shape.js';
import { useTestDevice } from '../support/device.js';
import { imageCase } from '../support/image-case.js';
import { expectStages, runImageEncoder } from '../support/run-image-encoder.js';

const device = useTestDevice();

/** An encoder for each camera, with batch norm: what the other cases have is in the long tests. */
describe('image encoders agree with the reference, stage by stage', () => {
  it.each(['image-bn-separate'])('%s', async (name) => {
    const recorded = await imageCase(name);
    if (!recorded) throw new Error(`${name} is a part of the repository`);
    expectStages(await runImageEncoder(device(), recorded), 20);
  });
});

describe('keypoint maps', () => {
  it('are as large as the table of positions in a checkpoint', () => {
    const shape = { backbone: 'resnet18', norm: 'group', keypoints: 32, encoders: 1 } as const;
    expect(keypointMapSize({ ...shape, height: 84, width: 84 })).toEqual([3, 3]);
    expect(keypointMapSize({ ...shape, height: 97, width: 131 })).toEqual([4, 5]);
    expect(keypointMapSize({ ...shape, backbone: 'resnet34', height: 480, width: 640 })).toEqual([15, 20]);
  });
});
