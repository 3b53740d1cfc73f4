import { type BufferRange, recordNormalize, recordStart, recordUnnormalize } from '../ops/sampling.js';
import type { BufferHandle, PlanBuilder } from '../runtime/plan-builder.js';
import { asTokens, probeTensor, type Tensor, tokens } from '../runtime/tensor.js';
import type { DecisionShape } from './decision-input.js';
import { DecisionOffsets } from './decision-offsets.js';
import type { InputLayout, InputRange } from './decision-upload.js';
import { timestepDenoiser } from './denoisers/unet-denoiser.js';
import type { PolicyNetworks } from './networks.js';
import { evaluateSegment, SEGMENTS } from './segments.js';

/** Buffers that a decision is fed through and read back from. */
export interface DecisionBuffers {
  readonly inputs: BufferHandle;
  /** u32 [b]: which step of a sample was not finite, 0 for none. */
  readonly status: BufferHandle;
  readonly chunk: BufferHandle;
  readonly actions: BufferHandle;
  /** Of the values in `chunk`, and of `actions`. */
  readonly chunkBytes: number;
  readonly offsets: DecisionOffsets;
}

/**
 * Records the segments of a decision; `decisionRuns` replays them:
 *
 *     observe    raw observations → conditioning → FiLM rows of all blocks
 *     predict    previous chunk and observations → prediction      (where there is a predictor)
 *     start      prediction and noise → sample
 *     evaluate   sample → U-Net → solver step → sample             (once per denoising step; what a method brings in place of the
 *                U-Net; of several networks each has such a segment)
 *     finish     sample → actions
 */
export function recordDecision(builder: PlanBuilder, networks: PolicyNetworks, shape: DecisionShape, layout: InputLayout): DecisionBuffers {
  const { batch, observationSteps, frameWidth, horizon, actionDim } = shape;
  const chunkBytes = batch * horizon * actionDim * 4;
  const inputs = builder.buffer('inputs', layout.bytes);
  const input = (range: InputRange): BufferRange => ({ buffer: inputs, ...range });
  const chunk = (label: string): Tensor => tokens(builder, label, batch, horizon, actionDim);
  const status = builder.buffer('status', batch * 4);
  const sample = chunk('sample');
  const prediction = chunk('prediction');

  builder.segment(SEGMENTS.observe);
  const frames = tokens(builder, 'conditioning', batch, observationSteps, frameWidth);
  recordNormalize(builder, input(layout.observations), networks.observationStatistics, frames);
  probeTensor(builder, 'global_cond', frames);
  const conditioning = asTokens(frames.buffer, batch, 1, observationSteps * frameWidth);
  const denoiser = (networks.denoiser ?? timestepDenoiser(networks.unet)).observe(builder, conditioning);
  const offsets = new DecisionOffsets(builder, denoiser, layout);

  if (networks.predictor !== undefined) {
    builder.segment(SEGMENTS.predict);
    const { history, rows, latent, noise } = layout;
    const read = { history: input(history), frames, rows: input(rows), latent: input(latent), noise: input(noise) };
    networks.predictor.record(builder, read, prediction);
    probeTensor(builder, 'prediction', prediction);
  }

  builder.segment(SEGMENTS.start);
  recordStart(builder, { scales: input(layout.scales), prediction, noise: input(layout.noise), sample, status });
  probeTensor(builder, 'start', sample);

  const solver = {
    steps: { ...input(layout.steps), stepOffset: offsets.coefficients },
    noise: { buffer: inputs, offset: layout.stepNoise.offset, bytes: chunkBytes, stepOffset: offsets.noise },
    pastX0: builder.buffer('x0', 2 * chunkBytes),
    status,
    thresholding: shape.thresholding ?? false,
    slotRows: shape.slotRows ?? 1,
  };
  const output = chunk('model output');
  for (const network of denoiser.networks ?? [undefined]) {
    builder.segment(evaluateSegment(network));
    denoiser.evaluate(builder, { sample, output, solver, network });
    // What the solver has kept of x0: pairs of the step's and of the one before.
    builder.probe('x0', solver.pastX0, [{ offset: 0, bytes: 2 * chunkBytes }]);
    probeTensor(builder, 'sample', sample);
  }

  builder.segment(SEGMENTS.finish);
  const actions = builder.buffer('actions', chunkBytes);
  recordUnnormalize(builder, sample, networks.actionStatistics, actions);
  return { inputs, status, chunk: sample.buffer, actions, chunkBytes, offsets };
}
