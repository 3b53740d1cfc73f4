import { describe, expect, it } from 'vitest';
import { fitsTokenKernels } from '../../src/networks/predictor/predictor-tokens.js';
import type { PredictorShape } from '../../src/spec/network-shapes.js';
import type { Precision } from '../../src/spec/precision.js';
import { useTestDevice } from '../support/device.js';
import { useMutantDevice } from '../support/mutants.js';
import { expected, inputs, ONE_LAYER, RELEASE, runPredictor, TOLERANCE } from '../support/predictor-runs.js';
import { randomPredictor } from '../support/random-checkpoint.js';
import { expectClose, expectSameBits, type Values, valueAt, valuesOf } from '../support/values.js';

describe('the predictor, a dispatch per layer', () => {
  const device = useTestDevice({ deviceClass: 'gpu' });

  it('agrees with float64', async () => {
    const { tensors } = randomPredictor(RELEASE);
    const { chunk, observations } = inputs(RELEASE, 2);
    const { kind, dispatches, prediction } = await runPredictor(device(), RELEASE, tensors, 'f32', chunk, observations);
    expect({ kind, dispatches }).toEqual({ kind: 'tokens', dispatches: 5 });
    expectClose(prediction, expected(RELEASE, tensors, chunk, observations), TOLERANCE, 'prediction');
  });

  it('agrees with float64: one layer each', async () => {
    const { tensors } = randomPredictor(ONE_LAYER);
    const { chunk, observations } = inputs(ONE_LAYER, 2);
    const { kind, dispatches, prediction } = await runPredictor(device(), ONE_LAYER, tensors, 'f32', chunk, observations);
    expect({ kind, dispatches }).toEqual({ kind: 'tokens', dispatches: 3 });
    expectClose(prediction, expected(ONE_LAYER, tensors, chunk, observations), TOLERANCE, 'prediction');
  });

  it('gives each sample of a batch the bits that it has alone', async () => {
    const { tensors } = randomPredictor(ONE_LAYER);
    const { chunk, observations } = inputs(ONE_LAYER, 3);
    const together = await runPredictor(device(), ONE_LAYER, tensors, 'f32', chunk, observations);
    const last = (values: Values): Values => valuesOf(1, values.channels, values.length, (_b, c, t) => valueAt(values, 2, c, t));
    const alone = await runPredictor(device(), ONE_LAYER, tensors, 'f32', last(chunk), last(observations));
    expectSameBits(alone.prediction, last(together.prediction), 'prediction');
  });

  it.each<{ readonly what: string; readonly shape: PredictorShape; readonly precision?: Precision }>([
    { what: 'heads whose channels do not come in fours', shape: { ...RELEASE, modelDim: 30, heads: 3 } },
    { what: 'a feedforward layer that does not', shape: { ...RELEASE, feedforwardDim: 7 } },
    { what: 'tokens too wide for the workgroup memory that every device has', shape: { ...RELEASE, modelDim: 1024, feedforwardDim: 4096 } },
    { what: 'sequences too long for it', shape: { ...RELEASE, horizon: 1024, historySteps: 1024 } },
    { what: 'layers that int8 stores in two ways', shape: { ...RELEASE, feedforwardDim: 16 }, precision: 'int8' },
  ])('is not for $what', ({ shape, precision = 'f32' }) => {
    expect(fitsTokenKernels(RELEASE, precision)).toBe(true);
    expect(fitsTokenKernels(shape, precision)).toBe(false);
  });
});

describe('missing barriers are noticed', () => {
  const { device, mutated } = useMutantDevice('gpu');
  const { tensors } = randomPredictor(RELEASE);
  const { chunk, observations } = inputs(RELEASE, 1);
  const predict = async (): Promise<Values> => (await runPredictor(device(), RELEASE, tensors, 'f32', chunk, observations)).prediction;

  // SwiftShader also runs the barriers of stages that are not taken: one missing alone changes nothing there.
  it.each([
    { what: 'before a stage reads its input', number: 0 },
    { what: 'before a stage reads what it shares', number: 1 },
  ])('$what', async ({ number }) => {
    const right = await predict();
    let index = 0;
    const mutate = (code: string): string => code.replace(/workgroupBarrier\(\);/g, (barrier) => (index++ % 2 === number ? '' : barrier));
    const { result, mutants } = await mutated({ kernel: /^token_layer/, mutate }, predict);
    expect(mutants, 'texts that changed').toBe(1);
    expect(result.data).not.toEqual(right.data);
  });
});

describe('the predictor on a software driver', () => {
  const device = useTestDevice();

  it('runs op by op, and has computed before what no input changes', async () => {
    const { tensors } = randomPredictor(RELEASE);
    const { chunk, observations } = inputs(RELEASE, 2);
    const { kind, dispatches, prediction } = await runPredictor(device(), RELEASE, tensors, 'f32', chunk, observations);
    expect({ kind, dispatches }).toEqual({ kind: 'layers', dispatches: 36 });
    expectClose(prediction, expected(RELEASE, tensors, chunk, observations), TOLERANCE, 'prediction');
  });
});
