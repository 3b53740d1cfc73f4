import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';

const device = useTestDevice();
const FOLDER = fileURLToPath(new URL('../goldens/', import.meta.url));

it.each(['train-image-predictor', 'train-image-predictor-plain', 'train-image-cvae', 'train-image-cvae-projected'])(
  'a network with an image encoder of its own trains as the reference does: two runs of ten steps of %s',
  { timeout: 600_000 },
  async (name) => {
    const { tensors } = await verifyCase(await caseFolder(FOLDER + name), device(), 'f32');
    expect(tensors.filter(({ pass }) => !pass)).toEqual([]);
    const compared = [
      'release.loss',
      'release.delta.10.samples',
      'clip-decay-adam.ema_delta.10.l2',
      'clip-decay-adam.clip_factor',
      'dropout.grad.l2',
    ];
    expect(tensors.map((tensor) => tensor.name)).toEqual(expect.arrayContaining(compared));
  },
);
