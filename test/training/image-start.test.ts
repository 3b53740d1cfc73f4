import { expect, it } from 'vitest';
import { useTestDevice } from '../support/device.js';
import { firstStepOfCvae } from '../support/image-start-case.js';

const device = useTestDevice();

it('a step of a CVAE over pictures is that of the reference: two cameras, two frames, one encoder', async () => {
  const { loss, norm, gradient, change } = await firstStepOfCvae(device());
  expect(loss).toBeLessThan(1e-5);
  expect(norm).toBeLessThan(1e-5);
  expect(gradient).toBeLessThan(1e-5);
  // Adam's first step is the sign of a gradient, also where that is rounding.
  expect(change).toBeLessThan(1e-2);
});
