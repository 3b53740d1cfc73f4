import { expect, it } from 'vitest';
import { chainOfMaps } from '../support/chain-of-maps.js';
import { useTestDevice } from '../support/device.js';
import { expectSameBits } from '../support/values.js';

const device = useTestDevice();

it('maps in textures have the bits of maps in buffers, through every kernel that knows both', async ({ skip }) => {
  if (!device().readsStorageTextures) skip();
  const expected = await chainOfMaps(device(), 'buffer');
  expect(expected.data.every(Number.isFinite)).toBe(true);
  expectSameBits(await chainOfMaps(device(), 'texture'), expected, 'y');
});
