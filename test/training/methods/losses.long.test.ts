import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderSource } from '../../../src/platform/node/folder-source.js';
import { DEVICE_CLASSES } from '../../../src/runtime/device-class.js';
import { verifyLosses } from '../../../src/verification/losses/verify-losses.js';
import { useOwnTestDevice } from '../../support/device.js';
import { GOLDENS } from '../../support/golden-cases.js';

/** lavapipe takes minutes to compile the tiles of class gpu. */
const COMPILES_MS = 600_000;

describe('losses of the compared methods', () => {
  describe.each(DEVICE_CLASSES)('with the variants of class %s', (deviceClass) => {
    const device = useOwnTestDevice({ deviceClass });

    it.each([
      ['bridger-cvae', 32],
      ['bridger-sde', 22],
      ['bridger-sde-cvae', 46],
      ['cp-1step', 20],
      ['no-diffusion', 9],
      ['onedp-d', 8],
      ['onedp-s', 13],
      ['rnr-dp', 10],
      ['sdp', 20],
      ['sdp-denoise', 20],
    ])(
      '%s agree with the official code, and so do their gradients',
      async (name, reports) => {
        const source = await folderSource(join(GOLDENS, 'methods', name));
        try {
          const { tensors, dump } = await verifyLosses(source, device());
          expect(tensors.filter(({ pass }) => !pass)).toEqual([]);
          expect(tensors).toHaveLength(reports);
          // A value and a norm for each tensor: a U-Net has more of them than a CVAE.
          expect(dump.length).toBeGreaterThan(name === 'bridger-cvae' ? 90 : 148);
        } finally {
          await source.close();
        }
      },
      COMPILES_MS,
    );
  });
});
