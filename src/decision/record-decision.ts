import { recordPredictor } from '../networks/predictor/predictor.js';
import { recordObservationFilm, recordUnet } from '../networks/unet/unet.js';
import { type BufferRange, recordNormalize, recordShiftChunk, recordSolverStep, recordStart, recordUnnormalize } from '../ops/sampling.js';
import type { BufferHandle, PlanBuilder } from '../runtime/plan-builder.js';
import { asTokens, type Tensor, tapTensor, tokens } from '../runtime/tensor.js';
import type { DecisionShape, InputLayout, InputRange } from './input-layout.js';
import type { PolicyNetworks } from './networks.js';

/** Buffers that a decision is fed through and read back from. */
export interface DecisionBuffers {
  readonly inputs: BufferHandle;
  /** One u32: which step was not finite, 0 for none. */
  readonly status: BufferHandle;
  readonly chunk: BufferHandle;
  readonly actions: BufferHandle;
  /** Of the values in `chunk`, and of `actions`. */
  readonly chunkBytes: number;
}

/**
 * Records the segments of a decision:
 *
 *     observe    raw observations → conditioning → FiLM rows of all blocks
 *     predict    previous chunk and conditioning → prediction      (where there is a predictor)
 *     start      prediction and noise → sample
 *     evaluate   sample → U-Net → solver step → sample             (once per denoising step)
 *     finish     sample → actions
 */
export function recordDecision(builder: PlanBuilder, networks: PolicyNetworks, shape: DecisionShape, layout: InputLayout): DecisionBuffers {
  const { batch, observationSteps, frameWidth, horizon, actionDim } = shape;
  const chunkBytes = batch * horizon * actionDim * 4;
  const inputs = builder.buffer('inputs', layout.bytes);
  const input = (range: InputRange): BufferRange => ({ buffer: inputs, ...range });
  const chunk = (label: string): Tensor => tokens(builder, label, batch, horizon, actionDim);
  const status = builder.buffer('status', 4);
  const sample = chunk('sample');
  const prediction = chunk('prediction');

  builder.segment('observe');
  const frames = tokens(builder, 'conditioning', batch, observationSteps, frameWidth);
  recordNormalize(builder, input(layout.observations), networks.observationStatistics, frames);
  tapTensor(builder, 'global_cond', frames);
  const conditioning = asTokens(frames.buffer, batch, 1, observationSteps * frameWidth);
  const observationFilm = recordObservationFilm(builder, networks.unet, conditioning);

  if (networks.predictor !== undefined) {
    builder.segment('predict');
    recordPrediction(builder, networks.predictor, input(layout.history), frames, prediction);
    tapTensor(builder, 'prediction', prediction);
  }

  builder.segment('start');
  recordStart(builder, { scales: input(layout.scales), prediction, noise: input(layout.noise), sample, status });
  tapTensor(builder, 'start', sample);

  builder.segment('evaluate');
  const output = chunk('model output');
  recordUnet(builder, networks.unet, observationFilm, sample, output);
  recordSolverStep(builder, {
    steps: input(layout.steps),
    output,
    noise: { buffer: inputs, offset: layout.stepNoise.offset, bytes: chunkBytes },
    sample,
    pastX0: builder.buffer('x0', 2 * chunkBytes),
    status,
    thresholding: shape.thresholding ?? false,
  });
  tapTensor(builder, 'sample', sample);

  builder.segment('finish');
  const actions = builder.buffer('actions', chunkBytes);
  recordUnnormalize(builder, sample, networks.actionStatistics, actions);
  return { inputs, status, chunk: sample.buffer, actions, chunkBytes };
}

function recordPrediction(
  builder: PlanBuilder,
  predictor: NonNullable<PolicyNetworks['predictor']>,
  history: BufferRange,
  frames: Tensor,
  prediction: Tensor,
): void {
  switch (predictor.kind) {
    case 'shift':
      recordShiftChunk(builder, history, predictor.rows, prediction);
      return;
    case 'network': {
      const tensor = asTokens(history.buffer, prediction.batch, prediction.length, prediction.channels);
      const layout = { ...tensor.layout, offset: history.offset / 4 };
      recordPredictor(builder, predictor.network, { ...tensor, layout }, frames, prediction);
      return;
    }
    default:
      predictor satisfies never;
  }
}
