import type { Plan, PlanPlace, SegmentRun } from '../runtime/plan.js';
import type { Encoding } from './ready-commands.js';

/** Appends what follows the runs, and finishes the commands. `prelude`: what came before the runs. */
export type FinishCommands<P> = (encoder: GPUCommandEncoder, prelude: P | undefined) => GPUCommandBuffer;

/**
 * What dispatches of the second part of large work bind at least, on devices that gain by two parts (`ComputeDevice.splitsWork`): no processor reads
 * and multiplies that much in less than the longest nap, a millisecond, so that none which begins in the first part outlasts the second.
 */
const END_BYTES = 32 << 20;

/**
 * The commands of a decision on their way, a run of the plan with every `next()`. One object for all: closures in its place were a quarter
 * of a kilobyte of garbage with every decision.
 */
export class DecisionEncoding<P> implements Encoding {
  readonly #plan: Plan;
  #encoder: GPUCommandEncoder;
  readonly #runs: readonly SegmentRun[];
  readonly #prelude: P | undefined;
  readonly #finish: FinishCommands<P>;
  #pass: GPUComputePassEncoder;
  /** Where the second part of large work begins. */
  readonly #split: PlanPlace | undefined;
  #head: GPUCommandBuffer | undefined;
  #pipeline: GPUComputePipeline | undefined;
  #done = 0;

  constructor(
    plan: Plan,
    encoder: GPUCommandEncoder,
    runs: readonly SegmentRun[],
    prelude: P | undefined,
    finish: FinishCommands<P>,
    endBytes: number = END_BYTES,
  ) {
    this.#plan = plan;
    this.#encoder = encoder;
    this.#runs = runs;
    this.#prelude = prelude;
    this.#finish = finish;
    this.#pass = encoder.beginComputePass();
    this.#split = plan.device.splitsWork ? plan.endOf(runs, endBytes) : undefined;
  }

  next(): GPUCommandBuffer | undefined {
    const index = this.#done++;
    const run = this.#runs[index] as SegmentRun;
    const first = this.#split?.run === index ? this.#endHead(run, this.#split.dispatch) : 0;
    this.#pipeline = this.#plan.encodeRun(this.#pass, run, this.#pipeline, first);
    if (this.#done < this.#runs.length) return undefined;
    this.#pass.end();
    const commands = this.#finish(this.#encoder, this.#prelude);
    if (this.#head) this.#plan.device.precede(commands, this.#head);
    return commands;
  }

  /** Completes the first part with the dispatches of this run up to `end`, and begins the second one; returns `end`. */
  #endHead(run: SegmentRun, end: number): number {
    this.#plan.encodeRun(this.#pass, run, this.#pipeline, 0, end);
    this.#pass.end();
    this.#head = this.#encoder.finish();
    this.#encoder = this.#plan.device.gpuDevice.createCommandEncoder({ label: 'end of a decision' });
    this.#pass = this.#encoder.beginComputePass();
    this.#pipeline = undefined;
    return end;
  }
}

/** Commands of these runs at once, in two parts where the device gains by it; `finish` appends what follows them. For `ComputeDevice.submit`. */
export function encodedInParts(
  plan: Plan,
  encoder: GPUCommandEncoder,
  runs: readonly SegmentRun[],
  finish: (encoder: GPUCommandEncoder) => GPUCommandBuffer,
  endBytes?: number,
): GPUCommandBuffer {
  const encoding = new DecisionEncoding(plan, encoder, runs, undefined, finish, endBytes);
  for (;;) {
    const commands = encoding.next();
    if (commands) return commands;
  }
}
