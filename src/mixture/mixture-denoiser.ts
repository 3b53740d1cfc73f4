import type { DenoiseRun, Denoising, FinishedRun } from '../decision/denoiser.js';
import { alphaBarAt, type SolverStep } from '../diffusion/solver-step.js';
import { NonFiniteError } from '../foundation/errors.js';
import { conditionalMean, posteriorMean } from './mixture.js';
import type { Neighbour, Neighbours } from './neighbours.js';
import type { Scaling } from './scaling.js';
import { type SolverState, solverStep } from './solver.js';

export interface MixtureOptions {
  readonly neighbours: Neighbours;
  readonly action: Scaling;
  readonly alphasCumprod: Float64Array;
  /** s: of a component, in every normalised value. */
  readonly spread: number;
  /** Of the kernel on the rest of the previous chunk. */
  readonly continuity: number;
  /** Values of a chunk that are executed before the next decision. */
  readonly executed: number;
}

const NO_PROBES: FinishedRun['probes'] = new Map();

/** Runs samples through the exact denoiser of demonstrations, one after the other, on the host. */
export class MixtureDenoiser implements Denoising {
  readonly latents = undefined;
  readonly #options: MixtureOptions;
  /** Of a window that several runs share. */
  readonly #found = new WeakMap<Float32Array, readonly Neighbour[]>();

  constructor(options: MixtureOptions) {
    this.#options = options;
  }

  async run(runs: readonly DenoiseRun[]): Promise<(FinishedRun | NonFiniteError)[]> {
    return runs.map((run) => this.#runOne(run));
  }

  async runThen<T>(runs: readonly DenoiseRun[], use: (finished: (FinishedRun | NonFiniteError)[]) => T | Promise<T>): Promise<T> {
    return use(runs.map((run) => this.#runOne(run)));
  }

  #runOne(run: DenoiseRun): FinishedRun | NonFiniteError {
    const { request, stepNoise } = run;
    const neighbours = this.#neighbours(run.frames);
    let state: SolverState = { x: this.#start(run, neighbours) };
    const trace: Float32Array[] = [];
    let noisy = 0;
    for (const [index, step] of request.schedule.steps.entries()) {
      const noise = step.fromNoise === 0 ? undefined : stepNoise[noisy++];
      state = solverStep(step, state, this.#output(neighbours, state.x, step), noise);
      const sample = Float32Array.from(state.x);
      if (!sample.every(Number.isFinite)) {
        return new NonFiniteError(
          `denoising step ${index + 1} of ${request.schedule.steps.length} (timestep ${step.timestep}) is not finite: ` +
            'the start was beyond what numbers hold. Look at the scales of the strategy.',
        );
      }
      if (request.trace) trace.push(sample);
    }
    const { action } = this.#options;
    const normalizedChunk = Float32Array.from(state.x);
    const chunk = normalizedChunk.map((value, i) => action.unscaled(value, i % action.size));
    return { normalizedChunk, chunk, trace, probes: NO_PROBES };
  }

  /** What a network that predicts the sample would return. */
  #output(neighbours: readonly Neighbour[], x: Float64Array, { timestep }: SolverStep): Float64Array {
    const { alphasCumprod, spread } = this.#options;
    return posteriorMean(neighbours, x, alphaBarAt(alphasCumprod, timestep), spread);
  }

  #start({ request, history, noise }: DenoiseRun, neighbours: readonly Neighbour[]): Float64Array {
    const { predictionScale, noiseScale, prediction } = request;
    const { executed, continuity } = this.#options;
    const given =
      predictionScale === 0 ? undefined : (prediction ?? conditionalMean(neighbours, request.history ?? history, executed, continuity));
    return Float64Array.from(noise, (value, i) => predictionScale * (given?.[i] ?? 0) + (noiseScale === 0 ? 0 : noiseScale * value));
  }

  #neighbours(frames: Float32Array): readonly Neighbour[] {
    let found = this.#found.get(frames);
    if (!found) this.#found.set(frames, (found = this.#options.neighbours.of(frames)));
    return found;
  }
}
