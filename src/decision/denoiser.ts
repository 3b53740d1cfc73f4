import { type Schedule, SOLVER_NAMES } from '../diffusion/solver-step.js';
import { type NonFiniteError, OptionError } from '../foundation/errors.js';
import { joinedFloats } from '../foundation/joined.js';
import { checkChoice, checkInteger, checkKeys, checkList, checkObject, checkToggle } from '../foundation/options.js';
import type { Observation } from '../observations/frame.js';
import { type DenoiseRequest, type DenoiseResult, type StrategyContext, startFromSample } from '../strategies/strategy.js';
import type { DecisionInput, DecisionOutput } from './decision-input.js';
import type { DecisionPlan, FeaturePrelude } from './decision-plan.js';
import { checkedFloats, checkedNoise, type LatentShape, runNoise } from './noise.js';
import type { PendingFeatures } from './pending-features.js';
import { type PlanCache, TRACE_PROBE } from './plan-cache.js';
import { sameSteps } from './same-steps.js';

/** One run over one sample, with everything that it depends on. */
export interface DenoiseRun {
  readonly request: DenoiseRequest;
  /** Raw observations, images as their features, f32 [observationSteps][frameWidth], oldest frame first. */
  readonly frames: Float32Array;
  /** What the start reads of them in place of the conditioning, f32 [observationSteps][rowWidth]. */
  readonly rows?: Float32Array | undefined;
  /** Random values that the start reads, f32 [latentDim]. */
  readonly latent?: Float32Array | undefined;
  /** Previous chunk, normalised, f32 [horizon][actionDim], for the predictor; zeros where there is none. */
  readonly history: Float32Array | undefined;
  /** Standard normal f32 [horizon][actionDim]. */
  readonly noise: Float32Array;
  /** One row f32 [horizon][actionDim] for each of the schedule's noisy steps. */
  readonly stepNoise: readonly Float32Array[];
}

export interface FinishedRun extends DenoiseResult {
  /** Inner values that were asked for when the policy was loaded; of the batch that the run was part of. */
  readonly probes: ReadonlyMap<string, Float32Array>;
}

/** A sample that a caller sends through steps of a solver. */
export interface DenoiseSample {
  /** Raw observations by name, flattened [observationSteps][size], oldest frame first. */
  readonly window: Observation;
  /** Normalised, f32 [horizon][actionDim], at the noise level of the schedule's first step. */
  readonly sample: Float32Array;
  readonly schedule: Schedule;
  /** One row f32 [horizon][actionDim] for each of the schedule's noisy steps. Default: none, where there are none. */
  readonly stepNoise?: readonly Float32Array[];
  /** Whether the result brings the sample after every step. */
  readonly trace?: boolean;
}

/**
 * The run of a given sample.
 * @throws OptionError for values of the wrong size, or not finite, and for a schedule that the network cannot run.
 */
export function givenRun(given: Omit<DenoiseSample, 'window'>, context: StrategyContext): Omit<DenoiseRun, 'frames'> {
  checkKeys('denoise', given, ['sample', 'schedule', 'stepNoise', 'trace']);
  const { sample, schedule, stepNoise = [], trace = false } = given;
  const chunkSize = context.horizon * context.actionDim;
  checkSchedule(schedule, context.scheduler.numTrainTimesteps);
  checkToggle('denoise', 'trace', trace);
  const start = checkedFloats('sample', sample, chunkSize);
  const seed = { seed: 0, episode: 0, decision: 0, sample: 0 };
  const { noise, stepNoise: rows } = runNoise(schedule, chunkSize, seed, { ...checkedNoise({ stepNoise }, chunkSize), noise: start });
  return { request: { ...startFromSample(noise, schedule), trace }, history: undefined, noise, stepNoise: rows };
}

/** A row beyond the tables of the timesteps is an error that ends the device: it must not get there. */
function checkSchedule(schedule: Schedule, numTrainTimesteps: number): void {
  const where = 'denoise: schedule';
  checkObject('denoise', 'schedule', schedule);
  const { steps, noisySteps } = schedule;
  checkChoice(where, 'solver', schedule.solver, SOLVER_NAMES);
  let noisy = 0;
  checkList(where, 'steps', steps, (step, index) => {
    checkObject(where, `steps[${index}]`, step);
    checkInteger(where, 'timestep', step.timestep, 0, numTrainTimesteps - 1);
    if (step.levels !== undefined || step.slots !== undefined) {
      throw new OptionError(
        `${where}: steps[${index}] has levels or slots, which are of methods' networks: samples go through the policy's own.`,
      );
    }
    if (step.fromNoise !== 0) noisy++;
  });
  if (steps.length === 0) throw new OptionError('denoise: the schedule has no steps: give it one at least.');
  // As many rows of noise are made: a number of its own could be any.
  checkInteger(where, 'noisySteps', noisySteps, noisy, noisy);
}

/** Runs that can share their dispatches: one denoiser, one schedule, and one answer to whether samples are traced. */
interface Batch {
  readonly denoiser: string | undefined;
  readonly schedule: Schedule;
  readonly trace: boolean;
  readonly runs: readonly DenoiseRun[];
  /** Where the results go. */
  readonly places: readonly number[];
}

/** A batch that more runs may join. */
interface OpenBatch extends Batch {
  readonly runs: DenoiseRun[];
  readonly places: number[];
}

const FIRST_PLACE: readonly number[] = [0];

/** Larger groups are cut: beyond this size a batch saves nothing more, and its buffers only grow. */
const MAX_BATCH = 256;

/** What decisions are made with: the networks of a policy on its device, or whatever else denoises. @internal */
export interface Denoising {
  /** The random values that starts read; undefined where they read none. */
  readonly latents: LatentShape | undefined;
  /** Results in the order of the runs; one that is not finite fails alone. `pending`: features that windows of the runs still wait for. */
  run(runs: readonly DenoiseRun[], pending?: PendingFeatures): Promise<(FinishedRun | NonFiniteError)[]>;
  /** The same; `use` makes something of the results as soon as they are there. */
  runThen<T>(
    runs: readonly DenoiseRun[],
    use: (finished: (FinishedRun | NonFiniteError)[]) => T | Promise<T>,
    pending?: PendingFeatures,
  ): Promise<T>;
}

/** What rehearsals may take of the device. @internal */
export interface RunLimit {
  /** How long a run may be known to take there; less than 0: none goes there. Undefined: likewise, and no commands are made ready for it. */
  withinMs: number | undefined;
}

/** Runs samples of any episodes through the denoiser, as few batches as their schedules allow. @internal */
export class Denoiser implements Denoising {
  readonly #plans: PlanCache;
  /** Undefined: runs are those of decisions. */
  readonly #rehearsal: RunLimit | undefined;

  /** `rehearsal`: runs are rehearsals of their plans; without a plan that is there already they fail. */
  constructor(plans: PlanCache, rehearsal?: RunLimit) {
    this.#plans = plans;
    this.#rehearsal = rehearsal;
  }

  /** The random values that starts read; undefined where they read none. */
  get latents(): LatentShape | undefined {
    return this.#plans.latents;
  }

  /**
   * Results in the order of the runs; a sample's bits do not depend on the others, and one that is not finite fails alone.
   * `pending`: features that windows of the runs still wait for. They are made by the same commands where all runs are one batch.
   * @throws as DecisionPlan.run; NonFiniteError for pending features that are not finite.
   */
  run(runs: readonly DenoiseRun[], pending?: PendingFeatures): Promise<(FinishedRun | NonFiniteError)[]> {
    return this.runThen(runs, (finished) => finished, pending);
  }

  /** The same; `use` makes something of the results as soon as they are there, without a promise in between. */
  runThen<T>(
    runs: readonly DenoiseRun[],
    use: (finished: (FinishedRun | NonFiniteError)[]) => T | Promise<T>,
    pending?: PendingFeatures,
  ): Promise<T> {
    const only = runs[0];
    if (pending) return this.#runPending(batches(runs), pending).then(use);
    if (only && runs.length === 1) return this.#runBatch(batchOfOne(only, runs), use);
    const all = batches(runs);
    const first = all[0];
    return first && all.length === 1 ? this.#runBatch(first, use) : this.#runAll(all).then(use);
  }

  async #runPending(all: readonly Batch[], pending: PendingFeatures): Promise<(FinishedRun | NonFiniteError)[]> {
    const [only] = all;
    if (only && all.length === 1) {
      const plan = await this.#plans.get(only.runs.length, [only.schedule], only);
      const prelude = plan.prelude(
        pending,
        only.runs.map(({ frames }) => frames),
      );
      if (prelude) return this.#runOn(plan, only, (results) => results, prelude);
    }
    await pending.alone();
    return this.#runAll(all);
  }

  async #runAll(all: readonly Batch[]): Promise<(FinishedRun | NonFiniteError)[]> {
    const results: (FinishedRun | NonFiniteError)[] = [];
    for (const batch of all) {
      const finished = await this.#runBatch(batch, (results) => results);
      batch.places.forEach((place, b) => (results[place] = finished[b] as FinishedRun | NonFiniteError));
    }
    return results;
  }

  /** Results in the order of the batch's runs. */
  #runBatch<T>(batch: Batch, use: (results: (FinishedRun | NonFiniteError)[]) => T | Promise<T>): Promise<T> {
    const { length } = batch.runs;
    const plan = this.#plans.find(length, batch.schedule, batch);
    if (plan) return this.#runOn(plan, batch, use);
    if (this.#rehearsal) return Promise.reject(new TypeError('a rehearsal needs a plan that is compiled'));
    return this.#plans.get(length, [batch.schedule], batch).then((compiled) => this.#runOn(compiled, batch, use));
  }

  #runOn<T>(
    plan: DecisionPlan,
    batch: Batch,
    use: (results: (FinishedRun | NonFiniteError)[]) => T | Promise<T>,
    prelude?: FeaturePrelude,
  ): Promise<T> {
    const finish = (output: DecisionOutput): T | Promise<T> => {
      const probes = batch.trace ? this.#plans.askedFor(output.probes) : output.probes;
      return use(batch.runs.map((_, b) => output.failures.get(b) ?? finishedRun(batch, output, b, probes)));
    };
    const input = decisionInput(plan, batch);
    return this.#rehearsal ? plan.rehearse(input, this.#rehearsal.withinMs, finish) : plan.run(input, finish, prelude);
  }

  /** Has commands encoded for decisions that begin with runs like these, in place of what their plans kept ready. */
  async expect(decisions: readonly (readonly DenoiseRun[])[]): Promise<void> {
    const expected: { readonly plan: DecisionPlan; readonly input: DecisionInput }[] = [];
    for (const batch of decisions.flatMap((runs) => batches(runs))) {
      const plan = await this.#plans.get(batch.runs.length, [batch.schedule], batch);
      expected.push({ plan, input: decisionInput(plan, batch) });
    }
    for (const { plan } of expected) plan.forget();
    for (const { plan, input } of expected) plan.expect(input);
  }

  /** The plan and the input of runs that are one batch. */
  async prepare(runs: readonly DenoiseRun[]): Promise<{ readonly plan: DecisionPlan; readonly input: DecisionInput }> {
    const [batch] = batches(runs) as [Batch];
    const plan = await this.#plans.get(batch.runs.length, [batch.schedule], batch);
    return { plan, input: decisionInput(plan, batch) };
  }
}

/** The usual decision is one run: a control loop waits for it. */
function batchOfOne({ request: { denoiser, schedule, trace = false } }: DenoiseRun, runs: readonly DenoiseRun[]): Batch {
  return { denoiser, schedule, trace, runs, places: FIRST_PLACE };
}

function batches(runs: readonly DenoiseRun[]): Batch[] {
  const all: OpenBatch[] = [];
  runs.forEach((run, place) => {
    const { denoiser, schedule, trace = false } = run.request;
    const joins = (other: OpenBatch): boolean =>
      other.denoiser === denoiser && other.trace === trace && other.runs.length < MAX_BATCH && sameSteps(other.schedule, schedule);
    let batch = all.find(joins);
    if (!batch) all.push((batch = { denoiser, schedule, trace, runs: [], places: [] }));
    batch.runs.push(run);
    batch.places.push(place);
  });
  return all;
}

function decisionInput(plan: DecisionPlan, { runs, schedule }: Batch): DecisionInput {
  const { shape } = plan;
  // A network with starts of its own may run beside a policy whose predictor reads rows or latents: its plan has no room for them.
  const { observationSteps, rowWidth = 0, latentDim = 0 } = shape;
  const chunkSize = shape.horizon * shape.actionDim;
  const only = runs[0];
  if (only && runs.length === 1) {
    const start = startOf(only);
    const { frames, stepNoise, rows, latent } = only;
    const isShown = start.predictionScale !== 0;
    return {
      observations: frames,
      schedule,
      starts: [start],
      history: isShown ? historyOf(only, chunkSize) : undefined,
      rows: isShown && rowWidth > 0 ? rows : undefined,
      latent: isShown && latentDim > 0 ? latent : undefined,
      noise: start.noise,
      stepNoise,
    };
  }
  const starts = runs.map((run) => startOf(run));
  const predicted = starts.some(({ predictionScale }) => predictionScale !== 0);
  const joined = (size: number, part: (run: DenoiseRun) => Float32Array | undefined): Float32Array | undefined =>
    predicted && size > 0 ? joinedFloats(runs.map((run) => part(run) ?? new Float32Array(size))) : undefined;
  return {
    observations: joinedFloats(runs.map(({ frames }) => frames)),
    schedule,
    starts,
    history: predicted ? joinedFloats(runs.map((run) => historyOf(run, chunkSize))) : undefined,
    rows: joined(observationSteps * rowWidth, ({ rows }) => rows),
    latent: joined(latentDim, ({ latent }) => latent),
    noise: joinedFloats(starts.map(({ noise }) => noise)),
    stepNoise: Array.from({ length: schedule.noisySteps }, (_, row) =>
      joinedFloats(runs.map(({ stepNoise }) => stepNoise[row] as Float32Array)),
    ),
  };
}

function historyOf({ request, history }: DenoiseRun, chunkSize: number): Float32Array {
  return request.history ?? history ?? new Float32Array(chunkSize);
}

/** Where a run brings its own prediction, the start is mixed here and goes up in place of the noise. */
function startOf({ request, noise }: DenoiseRun): { predictionScale: number; noiseScale: number; noise: Float32Array } {
  const { predictionScale, noiseScale, prediction } = request;
  if (!prediction) return { predictionScale, noiseScale, noise };
  const start = prediction.map((value, i) => predictionScale * value + (noiseScale === 0 ? 0 : noiseScale * (noise[i] as number)));
  return { predictionScale: 0, noiseScale: 1, noise: start };
}

const NO_TRACE: readonly Float32Array[] = Object.freeze([]);

/** Run `b` of a batch, finished. `askedFor`: the probes that are handed out with it. */
function finishedRun(
  { runs, schedule, trace }: Batch,
  { normalizedChunk, chunk, probes }: DecisionOutput,
  b: number,
  askedFor: FinishedRun['probes'],
): FinishedRun {
  if (runs.length === 1 && !trace) return { normalizedChunk, chunk, trace: NO_TRACE, probes: askedFor };
  const size = chunk.length / runs.length;
  const own = (values: Float32Array): Float32Array => (runs.length === 1 ? values : values.slice(b * size, (b + 1) * size));
  return {
    normalizedChunk: own(normalizedChunk),
    chunk: own(chunk),
    trace: trace ? schedule.steps.map((_, step) => own(probes.get(`${TRACE_PROBE}.${step}`) as Float32Array)) : NO_TRACE,
    probes: askedFor,
  };
}
