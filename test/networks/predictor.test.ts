import { describe, expect, it } from 'vitest';
import { roundToF16 } from '../../src/foundation/half.js';
import { loadPredictor, type Predictor, recordPredictor } from '../../src/networks/predictor/predictor.js';
import { fitsTokenKernels } from '../../src/networks/predictor/predictor-tokens.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { PredictorShape } from '../../src/spec/network-shapes.js';
import { PRECISIONS, type Precision } from '../../src/spec/precision.js';
import { useTestDevice } from '../support/device.js';
import { useMutantDevice } from '../support/mutants.js';
import { randomPredictor } from '../support/random-checkpoint.js';
import { referencePredictor, type Tensors } from '../support/reference-networks.js';
import { runOp } from '../support/run-op.js';
import { expectClose, expectSameBits, Normals, type Values, valueAt, valuesOf } from '../support/values.js';

const RELEASE: PredictorShape = {
  actionDim: 2,
  observationDim: 5,
  horizon: 8,
  observationSteps: 2,
  historySteps: 8,
  encoderLayers: 2,
  modelDim: 128,
  heads: 4,
  decoderLayers: 2,
  feedforwardDim: 256,
};
/** Layers that are neither first nor last, one head, an action wider than a vec4, a part of the history. */
const THREE_LAYERS: PredictorShape = {
  actionDim: 6,
  observationDim: 23,
  horizon: 36,
  observationSteps: 1,
  historySteps: 20,
  encoderLayers: 3,
  modelDim: 16,
  heads: 1,
  decoderLayers: 3,
  feedforwardDim: 64,
};
const ONE_LAYER: PredictorShape = {
  ...RELEASE,
  horizon: 4,
  historySteps: 1,
  encoderLayers: 1,
  decoderLayers: 1,
  modelDim: 20,
  heads: 5,
  feedforwardDim: 40,
};
interface Run {
  readonly kind: Predictor['kind'];
  readonly dispatches: number;
  readonly prediction: Values;
}

async function run(
  device: ComputeDevice,
  shape: PredictorShape,
  tensors: Tensors,
  precision: Precision,
  chunk: Values,
  observations: Values,
): Promise<Run> {
  let kind: Predictor['kind'] | undefined;
  let dispatches = 0;
  const results = await runOp(device, async ({ builder, loader, input, output }) => {
    const predictor = await loadPredictor(loader(tensors, precision), shape);
    const prediction = output('prediction', chunk.batch, shape.actionDim, shape.horizon, 'tokens');
    recordPredictor(builder, predictor, input(chunk, 'tokens'), input(observations, 'tokens'), prediction);
    kind = predictor.kind;
    dispatches = builder.segments.reduce((sum, segment) => sum + segment.dispatches.length, 0);
  });
  if (kind === undefined) throw new Error('nothing was recorded');
  return { kind, dispatches, prediction: results.values('prediction') };
}

function inputs(shape: PredictorShape, batch: number): { chunk: Values; observations: Values } {
  const normals = new Normals(8);
  return {
    chunk: normals.values(batch, shape.actionDim, shape.horizon, 0.5),
    observations: normals.values(batch, shape.observationDim, shape.observationSteps, 0.3),
  };
}

function expected(shape: PredictorShape, tensors: Tensors, chunk: Values, observations: Values): Values {
  const { actionDim, horizon, historySteps } = shape;
  const history = valuesOf(chunk.batch, actionDim, historySteps, (b, c, t) => valueAt(chunk, b, c, horizon - historySteps + t));
  return referencePredictor(tensors, shape, history, observations);
}

function rounded(tensors: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, values]) => {
      const copy = values.slice();
      roundToF16(copy);
      return [name, copy];
    }),
  );
}

/** An f16 run is an f32 run over rounded weights. */
const TOLERANCE = { atol: 2e-5, rtol: 2e-5 };
const INT8_TOLERANCE = { atol: 0.1, rtol: 0 };

describe('the predictor, a dispatch per layer', () => {
  const device = useTestDevice({ deviceClass: 'gpu' });

  it.each(PRECISIONS)('agrees with float64, %s', async (precision) => {
    const { tensors } = randomPredictor(RELEASE);
    const { chunk, observations } = inputs(RELEASE, 2);
    const { kind, dispatches, prediction } = await run(device(), RELEASE, tensors, precision, chunk, observations);
    expect({ kind, dispatches }).toEqual({ kind: 'tokens', dispatches: 5 });
    const weights = precision === 'f16' ? rounded(tensors) : tensors;
    expectClose(
      prediction,
      expected(RELEASE, weights, chunk, observations),
      precision === 'int8' ? INT8_TOLERANCE : TOLERANCE,
      'prediction',
    );
  });

  it.each([
    { name: 'three layers each', shape: THREE_LAYERS, dispatches: 7 },
    { name: 'one layer each', shape: ONE_LAYER, dispatches: 3 },
  ])('agrees with float64: $name', async ({ shape, dispatches }) => {
    const { tensors } = randomPredictor(shape);
    const { chunk, observations } = inputs(shape, 2);
    const found = await run(device(), shape, tensors, 'f32', chunk, observations);
    expect({ kind: found.kind, dispatches: found.dispatches }).toEqual({ kind: 'tokens', dispatches });
    expectClose(found.prediction, expected(shape, tensors, chunk, observations), TOLERANCE, 'prediction');
  });

  it('gives each sample of a batch the bits that it has alone', async () => {
    const { tensors } = randomPredictor(ONE_LAYER);
    const { chunk, observations } = inputs(ONE_LAYER, 3);
    const together = await run(device(), ONE_LAYER, tensors, 'f32', chunk, observations);
    const last = (values: Values): Values => valuesOf(1, values.channels, values.length, (_b, c, t) => valueAt(values, 2, c, t));
    const alone = await run(device(), ONE_LAYER, tensors, 'f32', last(chunk), last(observations));
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
  const predict = async (): Promise<Values> => (await run(device(), RELEASE, tensors, 'f32', chunk, observations)).prediction;

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
    const { kind, dispatches, prediction } = await run(device(), RELEASE, tensors, 'f32', chunk, observations);
    expect({ kind, dispatches }).toEqual({ kind: 'layers', dispatches: 36 });
    expectClose(prediction, expected(RELEASE, tensors, chunk, observations), TOLERANCE, 'prediction');
  });
});
