import { describe, expect, it } from 'vitest';
import { floats, integers, readTensors, relativeError } from '../support/recorded-case.js';
import { referenceSlotUnet, referenceStreamingUnet } from '../support/reference-networks.js';
import { readSlotCase, slotTensors, slotUnetShape } from '../support/slot-cases.js';
import { valueAt, valuesOf } from '../support/values.js';

/** f32 [b][length][channels] as values. */
const fromTokens = (data: Float32Array, batch: number, channels: number, length: number) =>
  valuesOf(batch, channels, length, (b, c, t) => data[(b * length + t) * channels + c] as number);

// The references of networks whose rows have a level each, against what the released code returned: other tests compare plans with them.
describe('the float64 networks', () => {
  it.each(['sdp', 'sdp-denoise', 'rnr-dp'])('%s: first call as recorded', async (name) => {
    const { config, batch } = readSlotCase(name);
    const shape = slotUnetShape(config);
    const { actionDim, horizon, conditioningDim } = shape;
    const cases = readTensors(`methods/${name}`);
    const tensors = await slotTensors(name);
    const isLaddered = name === 'rnr-dp';
    const x = floats(cases, isLaddered ? 'input.buffer' : 'expected.init.buffer');
    const conditioning = floats(cases, isLaddered ? 'input.observation' : 'input.global_cond.0');
    const levels = isLaddered ? Array.from({ length: horizon }, (_, slot) => slot) : integers(cases, 'expected.init.levels');
    const network = isLaddered ? referenceSlotUnet : referenceStreamingUnet;
    const output = network(
      tensors,
      shape,
      fromTokens(x, batch, actionDim, horizon),
      levels,
      valuesOf(batch, conditioningDim, 1, (b, c) => conditioning[b * conditioningDim + c] as number),
    );
    const found = Array.from({ length: batch * horizon * actionDim }, (_, i) => {
      const row = Math.floor(i / actionDim);
      return valueAt(output, Math.floor(row / horizon), i % actionDim, row % horizon);
    });
    const expected = floats(cases, 'expected.model_output').slice(0, found.length);
    expect(relativeError(found, expected)).toBeLessThan(2e-5);
  });
});
