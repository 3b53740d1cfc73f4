import { expect, it } from 'vitest';
import { SafetensorsFile } from '../../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../../src/checkpoints/source.js';
import { openTorchvisionBackbone } from '../../../src/checkpoints/torchvision/backbone.js';
import { loadPolicy } from '../../../src/policy/load-policy.js';
import { memoryStorage } from '../../../src/training/loop/run-storage.js';
import { trainPolicy } from '../../../src/training/loop/train-policy.js';
import { useTestDevice } from '../../support/device.js';
import { CAMERAS } from '../../support/image-policy.js';
import { pictureDataset, pictureOf } from '../../support/picture-dataset.js';
import { madeUpFile, torchvisionShapes } from '../../support/torchvision.js';

const device = useTestDevice();

it('a policy whose cameras begin with the weights of a file: all of them, bit by bit, in every encoder; it decides', {
  timeout: 600_000,
}, async () => {
  // Small and positive: variances, too, can be so.
  const backbone = madeUpFile('resnet18.safetensors', torchvisionShapes('resnet18'), (i) => 0.01 + ((i * 7919) % 1000) / 50_000);
  const storage = memoryStorage();
  await trainPolicy({
    device: device(),
    dataset: pictureDataset([]),
    storage,
    observations: [...CAMERAS],
    sizes: { downDims: [8, 16], groups: 4, stepEmbedDim: 8 },
    horizon: 8,
    actionSteps: 4,
    backbone,
    // One step at rate 0 with constant statistics: what comes out is what went in.
    steps: 1,
    batchSize: 2,
    batchNorm: 'running',
    optimizer: { warmupSteps: 1 },
    preset: 'lerobot',
  });
  const result = memorySource('result', Object.fromEntries(storage.files));
  const file = await SafetensorsFile.open(await result.open('model.safetensors'));
  const expected = await openTorchvisionBackbone(backbone);
  const names = [...file.tensors.keys()].filter((name) => name.includes('.backbone.'));
  expect(names).toHaveLength(2 * (20 + 4 * 20));
  for (const name of names) {
    const own = name.replace(/^diffusion\.rgb_encoder\.[01]\./, '');
    expect((await file.readFloats(name)).slice(), name).toEqual((await expected.readFloats(own)).slice());
  }
  const policy = await loadPolicy(result, { device: device() });
  const pictures = Object.fromEntries(CAMERAS.map((name) => [name, pictureOf(name, 1)]));
  expect([...(await policy.act({ 'observation.state': [0, 0], ...pictures }))].every(Number.isFinite)).toBe(true);
  await policy.dispose();
});
