import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';

const device = useTestDevice();
const FOLDER = fileURLToPath(new URL('../goldens/', import.meta.url));

it.each([
  [
    'train-image',
    ['diffusion-policy.loss', 'diffusion-policy.ema_delta.3.l2', 'masked-clip-adam.clip_factor', 'grad_activation.rgb_encoder.backbone.3'],
  ],
  [
    'train-image-batch-norm',
    ['evaluated.loss', 'diffusion-policy.loss', 'masked-clip-adam.clip_factor', 'diffusion-policy.delta.3.samples'],
  ],
])('an image policy trains as the reference does: two runs of three steps of %s', { timeout: 1_200_000 }, async (name, compared) => {
  const { tensors } = await verifyCase(await caseFolder(FOLDER + name), device(), 'f32');
  expect(tensors.filter(({ pass }) => !pass)).toEqual([]);
  const names = tensors.map((tensor) => tensor.name);
  for (const expected of compared) expect(names).toContain(expected);
  const worst = names.filter((tensor) => tensor.includes('statistics'));
  expect(worst.length).toBe(name === 'train-image-batch-norm' ? 5 : 0);
});
