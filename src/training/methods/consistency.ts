import { LEVEL_AND_STOP } from '../../checkpoints/methods/consistency.js';
import { levelOfBin } from '../../diffusion/consistency.js';
import { heunStep, huberDelta, jumpOf, karrasWeight } from '../../diffusion/consistency-training.js';
import { OptionError } from '../../foundation/errors.js';
import { recordCombine } from '../../ops/backward/combine-rows.js';
import { recordDrawMasks } from '../../ops/backward/dropout.js';
import { recordRowLoss } from '../../ops/backward/row-loss.js';
import { newRows, type Rows, rowSamples } from '../../runtime/rows.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import type { ParameterStore } from '../plan/parameter-store.js';
import type { PredictorDropout } from '../training-step.js';
import { unetDropoutSites } from '../unet/dropout.js';
import type { PassRecorder } from '../unet/layers.js';
import { recordFrozenBackward, recordUnetBackward, recordUnetForward, type UnetTape } from '../unet/record.js';
import type { BatchParts } from './batch-parts.js';
import { type ChunkBatch, checkChunks, checkIntegers, checkLevels, counted } from './chunk-batch.js';
import { type ConsistencyOptions, levelSinusoids } from './edm-teacher.js';
import type { Method, MethodRecorder, NetworkParameters } from './method.js';
import { methodUnet } from './unet-network.js';

/** A batch of a consistency policy's student: two samples of each chunk, one for each loss. */
export interface ConsistencyBatch extends ChunkBatch {
  /** B bins each: where the first sample is, 0 … N−1; where the student jumps to, t … N; where the teacher's step ends, t … s. */
  readonly from: Int32Array;
  readonly stop: Int32Array;
  readonly next: Int32Array;
  /** B noise levels T of the second sample, and its noise, B × H × D. */
  readonly levels: Float64Array;
  readonly denoisingNoise: Float32Array;
  /** What each loss counts. Default: 1 and 1. */
  readonly shares?: { readonly ctm: number; readonly dsm: number };
  /** Of a method that drops. Default: nothing is dropped. */
  readonly dropout?: PredictorDropout | null;
}

/** Passes that drop, each with masks of its own: the student, and the average from u to s and from s to the end, of the target and the prediction. */
const PASSES = ['student', 'next', 'target', 'prediction'] as const;
type Pass = (typeof PASSES)[number];

export interface ConsistencyNetworks {
  /** Frozen; see edm-teacher.ts. */
  readonly teacher: ParameterStore;
  /**
   * The moving average that makes the targets. Default: the student itself without gradient, which is what a decay of 0 makes of it, and what
   * the release ships (`initial_ema_decay`).
   */
  readonly average?: ParameterStore;
}

type Part =
  | 'conditioning'
  | 'studentLevels'
  | 'teacherLevels'
  | 'teacherNextLevels'
  | 'nextLevels'
  | 'stopLevels'
  | 'actions'
  | 'noise'
  | 'studentIn'
  | 'studentOut'
  | 'studentBack'
  | 'eulerIn'
  | 'heun'
  | 'nextIn'
  | 'nextOut'
  | 'stopIn'
  | 'stopOut'
  | 'stopBack'
  | 'endBack'
  | 'ctmWeights'
  | 'dsmWeights';

/**
 * A consistency policy's student (ctm_policy.py): mean of
 *
 *     hub( Ḡ(G(x_t, t, s), s, σ_min), Ḡ(Ḡ(x_u, u, s), s, σ_min) ) + w(T) · hub( G(a + Tε, T, σ_min), a )
 *
 * x_u is one Heun step of the frozen teacher from x_t, Ḡ the average's network: frozen, but the gradient of the first Ḡ passes through it to its
 * input, and so to the student. Both samples go through the student as one batch, so that its gradient is one pass. With `drops`, student and average
 * drop in every block, as in the release, whose average is in training mode; the teacher does not (the release's slips into training mode with its first
 * validation, and then drops in the middle).
 */
export function consistency(options: ConsistencyOptions, { teacher, average }: ConsistencyNetworks): Method<ConsistencyBatch, Part> {
  const { shape, batchSize, drops = false } = options;
  const { horizon, actionDim, conditioningDim, stepEmbedDim } = shape;
  const both = 2 * batchSize;
  const sites = PASSES.flatMap((pass) => unetDropoutSites(shape, pass === 'student' ? both : batchSize, pass, 'all'));
  const pair = (samples: number) => ({ rows: [samples, 2, stepEmbedDim] as const });
  const single = { rows: [batchSize, 1, stepEmbedDim] as const };
  const values = (count: number) => ({ values: count });
  return {
    network: studentNetwork(shape),
    batchSize,
    lossCount: both,
    dropout: drops ? { sites, of: ({ dropout = null }) => dropout } : undefined,
    parts: {
      conditioning: { rows: [both, 1, conditioningDim] },
      studentLevels: pair(both),
      teacherLevels: single,
      teacherNextLevels: single,
      nextLevels: pair(batchSize),
      stopLevels: pair(batchSize),
      actions: { rows: [both, horizon, actionDim] },
      noise: { rows: [both, horizon, actionDim] },
      studentIn: values(2 * both),
      studentOut: values(3 * both),
      studentBack: values(both),
      eulerIn: values(3 * batchSize),
      heun: values(4 * batchSize),
      nextIn: values(batchSize),
      nextOut: values(2 * batchSize),
      stopIn: values(batchSize),
      stopOut: values(2 * batchSize),
      stopBack: values(batchSize),
      endBack: values(2 * batchSize),
      ctmWeights: values(batchSize * horizon),
      dsmWeights: values(batchSize * horizon),
    },
    pack: (batch, parts) => pack(options, batch, parts),
    record: (recorder, own) => {
      const { builder } = recorder;
      const frozenTeacher = recorder.frozen(teacher.bindFrozen(builder));
      record(recorder, options, frozenTeacher, recorder.frozen((average ?? own).bindFrozen(builder)));
    },
  };
}

/** The student's U-Net: its levels are where it is and where it stops. */
export function studentNetwork(shape: UnetShape): NetworkParameters {
  return methodUnet({ ...shape, levels: LEVEL_AND_STOP });
}

function pack({ shape, batchSize, levels: scale }: ConsistencyOptions, batch: ConsistencyBatch, parts: BatchParts<Part>): number {
  const { horizon, actionDim, conditioningDim, stepEmbedDim } = shape;
  const { count, from, stop, next, levels, shares = { ctm: 1, dsm: 1 } } = batch;
  checkChunks(batch, shape, batchSize, ['actions', 'noise', 'denoisingNoise']);
  checkIntegers('from', from, 1, [0, scale.bins - 1], [count, batchSize]);
  for (const [name, bins] of [
    ['stop', stop],
    ['next', next],
  ] as const) {
    checkIntegers(name, bins, 1, [0, scale.bins], [count, batchSize]);
  }
  checkLevels('levels', levels, count, batchSize);
  const size = horizon * actionDim;
  for (const first of [0, batchSize]) {
    parts.write('conditioning', counted(batch.conditioning, count, conditioningDim), first);
    parts.write('actions', counted(batch.actions, count, size), first);
  }
  parts.write('noise', counted(batch.noise, count, size));
  parts.write('noise', counted(batch.denoisingNoise, count, size), batchSize);
  const put = (part: Part, at: number, ...coefficients: number[]): void => parts.values(part).set(coefficients, at * coefficients.length);
  const pairOf = (level: number, end: number): Float32Array => {
    const sinusoids = new Float32Array(2 * stepEmbedDim);
    sinusoids.set(levelSinusoids(level, stepEmbedDim));
    sinusoids.set(levelSinusoids(end, stepEmbedDim), stepEmbedDim);
    return sinusoids;
  };
  const jump = (sample: number, level: number, end: number): void => {
    const { keep, network, in: into } = jumpOf(scale, level, end);
    parts.write('studentLevels', pairOf(level, end), sample);
    put('studentIn', sample, into, into * level);
    put('studentOut', sample, keep, keep * level, network);
    put('studentBack', sample, network);
  };
  for (let b = 0; b < count; b++) {
    const [t, s, u] = [from[b] as number, stop[b] as number, next[b] as number];
    if (u < t || s < u) throw new OptionError(`batch: expected bins from ≤ next ≤ stop, found ${t}, ${u}, ${s} for sample ${b}.`);
    const [level, end, between] = [t, s, u].map((bin) => levelOfBin(scale, bin)) as [number, number, number];
    jump(b, level, end);
    parts.values('ctmWeights').fill(shares.ctm, b * horizon, (b + 1) * horizon);
    const { euler, heun } = heunStep(scale, level, between);
    parts.write('teacherLevels', levelSinusoids(level, stepEmbedDim), b);
    parts.write('teacherNextLevels', levelSinusoids(between, stepEmbedDim), b);
    const after = jumpOf(scale, between, end);
    put('eulerIn', b, after.in * euler[0], after.in * euler[0] * level, after.in * euler[1]);
    put('heun', b, heun[0], heun[0] * level, heun[1], heun[2]);
    parts.write('nextLevels', pairOf(between, end), b);
    put('nextIn', b, after.in);
    put('nextOut', b, after.keep, after.network);
    const last = jumpOf(scale, end, scale.sigmaMin);
    parts.write('stopLevels', pairOf(end, scale.sigmaMin), b);
    put('stopIn', b, last.in);
    put('stopOut', b, last.keep, last.network);
    put('stopBack', b, last.network);
    put('endBack', b, last.keep, last.in);
    const denoised = levels[b] as number;
    jump(batchSize + b, denoised, scale.sigmaMin);
    parts.values('dsmWeights').fill(shares.dsm * karrasWeight(scale, denoised), b * horizon, (b + 1) * horizon);
  }
  return 1 / (count * size);
}

function record(
  recorder: MethodRecorder<Part>,
  { shape, batchSize }: ConsistencyOptions,
  teacher: PassRecorder,
  average: PassRecorder,
): void {
  const { builder, losses, step, dropout: plan } = recorder;
  const chunk = (label: string, samples = batchSize): Rows => newRows(builder, label, samples, shape.horizon, shape.actionDim);
  const first = (rows: Rows): Rows => rowSamples(rows, 0, batchSize);
  const second = (rows: Rows): Rows => rowSamples(rows, batchSize, batchSize);
  const combine = (label: string, operands: readonly Rows[], part: Part): Rows => {
    const y = chunk(label, operands[0]?.batch);
    recordCombine(builder, { operands, coefficients: recorder.values(part), y });
    return y;
  };
  const conditioning = recorder.rows('conditioning');
  const forward = (network: PassRecorder, sample: Rows, levels: Part, pass?: Pass): UnetTape =>
    recordUnetForward(network, shape, {
      sample,
      sinusoids: recorder.rows(levels),
      conditioning: rowSamples(conditioning, 0, sample.batch),
      dropout: plan && pass && { plan, pass },
    });
  const [actions, noise] = [recorder.rows('actions'), recorder.rows('noise')];

  builder.segment('forward');
  if (plan) recordDrawMasks(builder, plan);
  const scaled = combine('scaled samples', [actions, noise], 'studentIn');
  const student = forward(recorder, scaled, 'studentLevels', 'student');
  const jumped = combine('jumps', [actions, noise, student.output], 'studentOut');

  const slope = forward(teacher, first(scaled), 'teacherLevels').output;
  const euler = combine("Euler's step, scaled", [first(actions), first(noise), slope], 'eulerIn');
  const nextSlope = forward(teacher, euler, 'teacherNextLevels').output;
  const moved = combine("the teacher's step", [first(actions), first(noise), slope, nextSlope], 'heun');

  /** Ḡ(x, s, σ_min). */
  const toEnd = (pass: 'target' | 'prediction', x: Rows): { readonly end: Rows; readonly tape: UnetTape } => {
    const tape = forward(average, combine(`the ${pass}, scaled`, [x], 'stopIn'), 'stopLevels', pass);
    return { end: combine(`the ${pass}`, [x, tape.output], 'stopOut'), tape };
  };
  const movedIn = combine("the teacher's step, scaled", [moved], 'nextIn');
  const targetStop = combine('the target at s', [moved, forward(average, movedIn, 'nextLevels', 'next').output], 'nextOut');
  const target = toEnd('target', targetStop).end;
  const predicted = toEnd('prediction', first(jumped));

  builder.segment('backward');
  const delta = huberDelta(shape.horizon, shape.actionDim);
  const huber = { kind: 'huber', delta, losses, step } as const;
  const dend = chunk('gradients of the prediction');
  const djumped = chunk('gradients of the jumps', 2 * batchSize);
  recordRowLoss(builder, { ...huber, y: predicted.end, target, weights: recorder.values('ctmWeights'), dy: dend });
  recordRowLoss(builder, {
    ...huber,
    y: second(jumped),
    target: second(actions),
    weights: recorder.values('dsmWeights'),
    dy: second(djumped),
    firstLoss: batchSize,
  });
  const dnetwork = combine("gradients of the average's output", [dend], 'stopBack');
  const dscaled = recordFrozenBackward(average, predicted.tape, dnetwork);
  recordCombine(builder, { operands: [dend, dscaled], coefficients: recorder.values('endBack'), y: first(djumped) });
  average.scratch.giveBack(dscaled);
  recordUnetBackward(recorder, student, combine('output gradients', [djumped], 'studentBack'));
}
