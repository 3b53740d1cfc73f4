import type { Plan, SegmentRun } from '../runtime/plan.js';
import type { FramesPlan } from './frames-plan.js';
import type { PendingWindow } from './pending-features.js';
import type { Encoding, Prelude } from './ready-commands.js';

/** How commands make features, and bring them to the windows that read them. Kept with the commands, so it holds no picture. */
export interface FeatureCommands extends Prelude {
  readonly plans: readonly FramesPlan[];
  readonly windows: readonly PendingWindow[];
}

/** Appends what follows the runs, and finishes the commands. `prelude`: what came before the runs. */
export type FinishCommands = (encoder: GPUCommandEncoder, prelude: FeatureCommands | undefined) => GPUCommandBuffer;

/**
 * The commands of a decision on their way, a run of the plan with every `next()`. One object for all: closures in its place were a quarter
 * of a kilobyte of garbage with every decision.
 */
export class DecisionEncoding implements Encoding {
  readonly #plan: Plan;
  readonly #encoder: GPUCommandEncoder;
  readonly #runs: readonly SegmentRun[];
  readonly #prelude: FeatureCommands | undefined;
  readonly #finish: FinishCommands;
  readonly #pass: GPUComputePassEncoder;
  #pipeline: GPUComputePipeline | undefined;
  #done = 0;

  constructor(
    plan: Plan,
    encoder: GPUCommandEncoder,
    runs: readonly SegmentRun[],
    prelude: FeatureCommands | undefined,
    finish: FinishCommands,
  ) {
    this.#plan = plan;
    this.#encoder = encoder;
    this.#runs = runs;
    this.#prelude = prelude;
    this.#finish = finish;
    this.#pass = encoder.beginComputePass();
  }

  next(): GPUCommandBuffer | undefined {
    this.#pipeline = this.#plan.encodeRun(this.#pass, this.#runs[this.#done++] as SegmentRun, this.#pipeline);
    if (this.#done < this.#runs.length) return undefined;
    this.#pass.end();
    return this.#finish(this.#encoder, this.#prelude);
  }
}
