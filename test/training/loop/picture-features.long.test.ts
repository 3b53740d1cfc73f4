import { describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../../src/checkpoints/read-policy.js';
import { memorySource } from '../../../src/checkpoints/source.js';
import { loadPictureNetworks } from '../../../src/decision/networks.js';
import { loadPolicy } from '../../../src/policy/load-policy.js';
import { type FramePart, readFrames } from '../../../src/training/loop/frames.js';
import { pictureFeatures } from '../../../src/training/loop/picture-features.js';
import { memoryStorage } from '../../../src/training/loop/run-storage.js';
import { trainPredictor } from '../../../src/training/loop/train-predictor.js';
import { useTestDevice } from '../../support/device.js';
import { CAMERAS, FRAME_WIDTH, imagePolicy } from '../../support/image-policy.js';
import { pictureDataset, pictureOf } from '../../support/picture-dataset.js';
import { TINY_PREDICTOR } from '../../support/tiny-training.js';

describe('features of pictures', () => {
  const device = useTestDevice();

  it('are those that a decision of the policy reads, made once per frame and camera', async () => {
    const read: string[] = [];
    const data = pictureDataset(read);
    const checkpoint = await loadPolicyCheckpoint(imagePolicy());
    const networks = await loadPictureNetworks(device(), checkpoint, undefined);
    const { parts, destroy } = pictureFeatures(networks.images, checkpoint, data, (name) => name);
    let camera = 0;
    const frame = checkpoint.observations.map((observation): FramePart => {
      if (observation.kind === 'image') return parts[camera++] as FramePart;
      return { name: observation.rawName, size: observation.size, normalizer: observation.normalizer };
    });
    const frames = await readFrames(data, frame, Int32Array.of(5, 6, 10), 2, 3);
    // Rows 4 and 5, 5 and 6, and 10 twice, whose episode begins there.
    expect([...read].sort()).toEqual(CAMERAS.flatMap((name) => [10, 4, 5, 6].map((row) => `${name} ${row}`)).sort());
    const policy = await loadPolicy(imagePolicy(), { device: device(), probes: ['global_cond'] });
    const window = (rows: readonly number[]): Record<string, unknown> => ({
      'observation.state': rows.flatMap((row) => [0, 1].map((channel) => Math.sin(row + channel))),
      ...Object.fromEntries(CAMERAS.map((name) => [name, rows.map((row) => pictureOf(name, row))])),
    });
    for (const [i, rows] of [
      [4, 5],
      [5, 6],
      [10, 10],
    ].entries()) {
      const decision = await policy.decide(window(rows) as never, { previous: [] });
      const expected = decision.probes.get('global_cond') as Float32Array;
      const found = frames.subarray(i * 2 * FRAME_WIDTH, (i + 1) * 2 * FRAME_WIDTH);
      expect(found.length).toBe(expected.length);
      found.forEach((value, k) => expect(Math.abs(value - (expected[k] as number))).toBeLessThan(1e-6));
    }
    await policy.dispose();
    destroy();
    networks.destroy();
    await checkpoint.close();
  });

  it('train a predictor that belongs to the policy', async () => {
    const read: string[] = [];
    const storage = memoryStorage();
    const options = {
      device: device(),
      dataset: pictureDataset(read),
      storage,
      steps: 3,
      batchSize: 8,
      policy: imagePolicy(),
      sizes: TINY_PREDICTOR,
    };
    await trainPredictor({ ...options, optimizer: { warmupSteps: 0 } });
    expect(new Set(read).size).toBe(read.length);
    const source = memorySource('result', Object.fromEntries(storage.files));
    const policy = await loadPolicy(imagePolicy(), { device: device(), networks: { predictor: source } });
    expect(policy.info.predictor).not.toBe('none');
    await policy.dispose();
  });
});
