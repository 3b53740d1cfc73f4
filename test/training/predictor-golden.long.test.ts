import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { DEVICE_CLASSES } from '../../src/runtime/device-class.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useOwnTestDevice } from '../support/device.js';

const FOLDER = fileURLToPath(new URL('../goldens/train-predictor', import.meta.url));

describe.each(DEVICE_CLASSES)('the predictor with the variants of class %s', (deviceClass) => {
  const device = useOwnTestDevice({ deviceClass });

  it('trains as the reference does: three runs of ten steps, one step with dropout, inner values', { timeout: 600_000 }, async () => {
    const { tensors } = await verifyCase(await caseFolder(FOLDER), device(), 'f32');
    expect(tensors.filter(({ pass }) => !pass)).toEqual([]);
    const names = tensors.map(({ name }) => name);
    for (const name of [
      'release.loss',
      'release-defaults.delta.10.l2',
      'clip-decay.clip_factor',
      'clip-decay.ema_delta.10.samples',
      'dropout.loss',
    ]) {
      expect(names).toContain(name);
    }
  });
});
