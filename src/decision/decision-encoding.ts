import type { Plan, SegmentRun } from '../runtime/plan.js';
import type { Encoding } from './ready-commands.js';

/** Appends what follows the runs, and finishes the commands. `prelude`: what came before the runs. */
export type FinishCommands<P> = (encoder: GPUCommandEncoder, prelude: P | undefined) => GPUCommandBuffer;

/**
 * The commands of a decision on their way, a run of the plan with every `next()`. One object for all: closures in its place were a quarter
 * of a kilobyte of garbage with every decision.
 */
export class DecisionEncoding<P> implements Encoding {
  readonly #plan: Plan;
  readonly #encoder: GPUCommandEncoder;
  readonly #runs: readonly SegmentRun[];
  readonly #prelude: P | undefined;
  readonly #finish: FinishCommands<P>;
  readonly #pass: GPUComputePassEncoder;
  #pipeline: GPUComputePipeline | undefined;
  #done = 0;

  constructor(plan: Plan, encoder: GPUCommandEncoder, runs: readonly SegmentRun[], prelude: P | undefined, finish: FinishCommands<P>) {
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
