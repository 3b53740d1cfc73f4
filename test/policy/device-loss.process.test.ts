import { describe, it } from 'vitest';
import { expectLossIsNamed, type Loss } from '../support/device-loss.js';

/** A few places of each; device-loss.long.test.ts goes through all of them. */
const PLACES: readonly (readonly [Loss, number])[] = [
  ['load', 3],
  ['act', 2],
  ['decideAll', 2],
  ['ControlLoop', 2],
];

describe('a device that is lost at some turn that calls the GPU', () => {
  it.each(PLACES)('%s ends with DeviceLostError, at %d places', (name, places) => expectLossIsNamed(name, places));
});
