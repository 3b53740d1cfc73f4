import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';

const device = useTestDevice();
const FOLDER = fileURLToPath(new URL('../goldens/', import.meta.url));

describe('networks with an image encoder of their own', () => {
  it.each(['train-image-predictor', 'train-image-cvae'])('train as the reference does: %s', async (name) => {
    const { tensors } = await verifyCase(await caseFolder(FOLDER + name), device(), 'f32');
    expect(tensors.filter(({ pass }) => !pass)).toEqual([]);
  });
});
