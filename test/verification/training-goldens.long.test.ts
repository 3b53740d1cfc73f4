import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { DEVICE_CLASSES } from '../../src/runtime/device-class.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useOwnTestDevice } from '../support/device.js';
import { GOLDENS, TRAINING_CASES } from '../support/golden-cases.js';

/** Kinds of cases that are verified here; tests of their own hold the others. */
const UNET_CASES = TRAINING_CASES.filter((name) => name.startsWith('train-unet-'));

/** lavapipe takes minutes to compile the tiles of class gpu. */
const COMPILES_MS = 600_000;

describe('recorded training cases', () => {
  it('are all there', () => expect(UNET_CASES).toEqual(['train-unet-nofilm', 'train-unet-pusht', 'train-unet-state']));

  describe.each(DEVICE_CLASSES)('with the variants of class %s', (deviceClass) => {
    const device = useOwnTestDevice({ deviceClass });

    it.each(UNET_CASES)(
      '%s agrees in every run',
      async (name) => {
        const report = await verifyCase(await caseFolder(join(GOLDENS, name)), device());
        expect(report.tensors.filter(({ pass }) => !pass)).toEqual([]);
        expect(report.tensors.length).toBeGreaterThan(30);
      },
      COMPILES_MS,
    );
  });
});
