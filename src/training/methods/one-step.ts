import { alphasCumprod } from '../../diffusion/noise-schedule.js';
import { sinusoidalEmbedding } from '../../networks/unet/timestep-table.js';
import { recordCombine } from '../../ops/backward/combine-rows.js';
import { recordRowLoss } from '../../ops/backward/row-loss.js';
import { newRows, probeRows, type Rows } from '../../runtime/rows.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import type { NoiseScheduleOptions } from '../../spec/noise-schedule.js';
import type { ParameterStore } from '../plan/parameter-store.js';
import type { PassRecorder } from '../unet/layers.js';
import { recordUnetBackward, recordUnetForward, type UnetTape } from '../unet/record.js';
import type { BatchParts } from './batch-parts.js';
import { type ChunkBatch, checkChunks, checkIntegers, counted } from './chunk-batch.js';
import type { Method, MethodRecorder } from './method.js';
import { methodUnet } from './unet-network.js';

/** A batch of One-Step Diffusion Policy: it learns from other networks, not from actions. */
export interface OneStepBatch extends Omit<ChunkBatch, 'actions'> {
  /** B × H × D: what the generator starts from; zeros for the deterministic variant. */
  readonly start: Float32Array;
  /** B noise levels k that its actions are noised to, each 0 … N−1. */
  readonly timesteps: Int32Array;
}

export interface OneStepOptions {
  readonly shape: UnetShape;
  readonly batchSize: number;
  readonly schedule: NoiseScheduleOptions;
  /** The level that the generator believes its start to be at. */
  readonly initTimestep: number;
}

type Part = 'conditioning' | 'initSinusoids' | 'sinusoids' | 'start' | 'noise' | 'noised' | 'difference' | 'back' | 'weights';

/** Probe: n_k (ε̂_teacher − ε̂_score), or (ε̂_teacher − ε). */
export const DIFFERENCE_PROBE = 'score difference';

/**
 * One-Step Diffusion Policy's generator (OneDP, §4): A = (z − n ε̂(z)) / s at the initial level, A_k = s_k A + n_k ε, and the surrogate
 *
 *     mean( stopgrad( n_k (ε̂_teacher(A_k) − ε̂_score(A_k)) ) · A_k )
 *
 * whose gradient is the update; the deterministic variant has no score network, and ε in its place. Nothing is clamped. There is no
 * official code: the mean over all elements is ours.
 */
export function oneStepGenerator(
  options: OneStepOptions,
  { teacher, score }: { readonly teacher: ParameterStore; readonly score?: ParameterStore },
): Method<OneStepBatch, Part> {
  const { shape } = options;
  return {
    ...common(options),
    record: (recorder) => {
      const { builder, losses, step } = recorder;
      builder.segment('forward');
      const noised = recordNoised(recorder, options, recorder);
      const denoise = (network: ParameterStore): Rows =>
        recordDenoised(recorder.frozen(network.bindFrozen(builder)), shape, recorder, noised.sample).output;
      const difference = like('difference of the scores', noised.sample, recorder);
      const other = score ? denoise(score) : recorder.rows('noise');
      recordCombine(builder, { operands: [denoise(teacher), other], coefficients: recorder.values('difference'), y: difference });
      probeRows(builder, DIFFERENCE_PROBE, difference);
      builder.segment('backward');
      const dsample = like('gradients of the noised actions', noised.sample, recorder);
      const weights = recorder.values('weights');
      recordRowLoss(builder, { kind: 'product', y: noised.sample, target: difference, weights, dy: dsample, losses, step });
      const doutput = like('output gradients', noised.sample, recorder);
      recordCombine(builder, { operands: [dsample], coefficients: recorder.values('back'), y: doutput });
      recordUnetBackward(recorder, noised.tape, doutput);
    },
  };
}

/** Its score network: the mean square of ε̂_score(A_k) − ε on the generator's actions, through which no gradient passes. */
export function oneStepScore(options: OneStepOptions, generator: ParameterStore): Method<OneStepBatch, Part> {
  const { shape } = options;
  return {
    ...common(options),
    record: (recorder) => {
      const { builder, losses, step } = recorder;
      builder.segment('forward');
      const { sample } = recordNoised(recorder, options, recorder.frozen(generator.bindFrozen(builder)));
      const tape = recordDenoised(recorder, shape, recorder, sample);
      builder.segment('backward');
      const dy = like('output gradients', sample, recorder);
      const [target, weights] = [recorder.rows('noise'), recorder.values('weights')];
      recordRowLoss(builder, { kind: 'square', y: tape.output, target, weights, dy, losses, step });
      recordUnetBackward(recorder, tape, dy);
    },
  };
}

/** What both networks are, and the batch that both learn from. */
function common(options: OneStepOptions): Omit<Method<OneStepBatch, Part>, 'record'> {
  const { shape, batchSize, schedule, initTimestep } = options;
  const { horizon, actionDim, conditioningDim, stepEmbedDim } = shape;
  const alphas = alphasCumprod(schedule, 'pytorch');
  const sinusoids = sinusoidalEmbedding(alphas.length, stepEmbedDim);
  const scales = (timestep: number): readonly [signal: number, noise: number] => {
    const alpha = alphas[timestep] as number;
    return [Math.sqrt(alpha), Math.sqrt(1 - alpha)];
  };
  const [initSignal, initNoise] = scales(initTimestep);
  const size = horizon * actionDim;
  return {
    network: methodUnet(shape),
    batchSize,
    lossCount: batchSize,
    parts: {
      conditioning: { rows: [batchSize, 1, conditioningDim] },
      initSinusoids: { rows: [batchSize, 1, stepEmbedDim] },
      sinusoids: { rows: [batchSize, 1, stepEmbedDim] },
      start: { rows: [batchSize, horizon, actionDim] },
      noise: { rows: [batchSize, horizon, actionDim] },
      noised: { values: 3 * batchSize },
      difference: { values: 2 * batchSize },
      back: { values: batchSize },
      weights: { values: batchSize * horizon },
    },
    pack: (batch, parts: BatchParts<Part>) => {
      const { count, timesteps } = batch;
      checkChunks(batch, shape, batchSize, ['start', 'noise']);
      checkIntegers('timesteps', timesteps, 1, [0, alphas.length - 1], [count, batchSize]);
      parts.write('conditioning', counted(batch.conditioning, count, conditioningDim));
      parts.write('start', counted(batch.start, count, size));
      parts.write('noise', counted(batch.noise, count, size));
      const rowOf = (timestep: number): Float32Array => sinusoids.subarray(timestep * stepEmbedDim, (timestep + 1) * stepEmbedDim);
      for (let b = 0; b < count; b++) {
        const timestep = timesteps[b] as number;
        const [signal, noise] = scales(timestep);
        parts.write('initSinusoids', rowOf(initTimestep), b);
        parts.write('sinusoids', rowOf(timestep), b);
        const back = (-signal * initNoise) / initSignal;
        parts.values('noised').set([signal / initSignal, back, noise], 3 * b);
        parts.values('difference').set([noise, -noise], 2 * b);
        parts.values('back')[b] = back;
      }
      parts.values('weights').fill(1, 0, count * horizon);
      return 1 / (count * size);
    },
  };
}

/** Records A_k of the generator; its tape is for its own training. */
function recordNoised(
  recorder: MethodRecorder<Part>,
  { shape, batchSize }: OneStepOptions,
  generator: PassRecorder,
): { readonly tape: UnetTape; readonly sample: Rows } {
  const { builder } = recorder;
  const [start, noise] = [recorder.rows('start'), recorder.rows('noise')];
  const inputs = { sample: start, sinusoids: recorder.rows('initSinusoids'), conditioning: recorder.rows('conditioning') };
  const tape = recordUnetForward(generator, shape, inputs);
  const sample = newRows(builder, 'noised actions', batchSize, shape.horizon, shape.actionDim);
  recordCombine(builder, { operands: [start, tape.output, noise], coefficients: recorder.values('noised'), y: sample });
  return { tape, sample };
}

/** Records ε̂(A_k, k) of a network. */
function recordDenoised(network: PassRecorder, shape: UnetShape, recorder: MethodRecorder<Part>, sample: Rows): UnetTape {
  return recordUnetForward(network, shape, {
    sample,
    sinusoids: recorder.rows('sinusoids'),
    conditioning: recorder.rows('conditioning'),
  });
}

function like(label: string, rows: Rows, { builder }: PassRecorder): Rows {
  return newRows(builder, label, rows.batch, rows.length, rows.channels);
}
