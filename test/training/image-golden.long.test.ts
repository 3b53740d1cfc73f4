import { expect, it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';

const device = useTestDevice();
const FOLDER = new URL('../goldens/train-image', import.meta.url).pathname;

it('an image policy trains as the reference does: two runs of three steps, inner values', { timeout: 1_200_000 }, async () => {
  const { tensors } = await verifyCase(await caseFolder(FOLDER), device(), 'f32');
  expect(tensors.filter(({ pass }) => !pass)).toEqual([]);
  const names = tensors.map(({ name }) => name);
  for (const name of [
    'diffusion-policy.loss',
    'diffusion-policy.ema_delta.3.l2',
    'masked-clip-adam.clip_factor',
    'grad_activation.rgb_encoder.backbone.3',
  ]) {
    expect(names).toContain(name);
  }
});
