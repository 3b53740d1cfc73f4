import type { Schedule } from '../diffusion/solver-step.js';
import {
  type DecidingSteps,
  type DecisionContext,
  type DecisionMaker,
  type DenoiseRequest,
  type DenoiseResult,
  startFromSample,
} from './strategy.js';

/** What all episodes of RNR-DP share. */
export interface Laddered {
  /** f: slots of the buffer, slot i at level i. */
  readonly slots: number;
  readonly actionDim: number;
  /** One step: every slot to the level below. */
  readonly schedule: Schedule;
  /** Decisions that read one observation. */
  readonly observeEvery: number;
  readonly denoiser: string;
}

/** What an episode remembers. */
interface Memory {
  /** f32 [slots][actionDim]. */
  readonly buffer: Float32Array;
  /** The observation that decisions read. */
  readonly frames: Float32Array;
  /** Decisions that it still serves. */
  readonly left: number;
}

/**
 * The decisions of an episode of RNR-DP: one pass over the buffer, whose head is then clean and is executed; the rest moves on by one slot, and
 * noise comes in behind. The first decision makes f − 1 such passes before its own, over a buffer of pure noise, and executes nothing of them.
 *
 * Draws of `context.normal`, of `actionDim` values a slot: the slot that comes in behind the decision; at the first decision also the buffer, and
 * the slots that come in behind the passes before its own.
 */
export class LadderedEpisode implements DecisionMaker {
  readonly #laddered: Laddered;
  #memory: Memory | undefined;

  constructor(laddered: Laddered) {
    this.#laddered = laddered;
  }

  *decide(context: DecisionContext): DecidingSteps {
    const { slots, actionDim, observeEvery, schedule } = this.#laddered;
    const memory = this.#memory;
    const noise = context.normal((memory ? 1 : 2 * slots) * actionDim);
    const row = (index: number): Float32Array => noise.subarray(index * actionDim, (index + 1) * actionDim);
    const renewed = memory === undefined || memory.left === 0;
    const held = renewed ? undefined : memory.frames;
    let buffer = memory?.buffer ?? noise.subarray(actionDim, (1 + slots) * actionDim);
    const passes = memory ? 0 : slots - 1;
    for (let pass = 0; pass < passes; pass++) {
      const [result] = yield [this.#request(buffer, pass * schedule.noisySteps, held)];
      buffer = moved(result as DenoiseResult, row(1 + slots + pass));
    }
    const request = this.#request(buffer, passes * schedule.noisySteps, held);
    const [result] = yield [request];
    const remember = (): void => {
      this.#memory = {
        buffer: moved(result as DenoiseResult, row(0)),
        // A copy: the caller's may be of an array that is used again.
        frames: held ?? context.frames.slice(),
        left: (renewed ? observeEvery : memory.left) - 1,
      };
    };
    return { result: result as DenoiseResult, request, warm: memory !== undefined, stalled: false, screening: 0, remember };
  }

  #request(buffer: Float32Array, firstNoiseRow: number, frames: Float32Array | undefined): DenoiseRequest {
    const { schedule, denoiser } = this.#laddered;
    return { ...startFromSample(buffer, schedule), denoiser, firstNoiseRow, ...(frames ? { frames } : {}) };
  }
}

/** The buffer without its head, and with a row behind. */
function moved({ normalizedChunk }: DenoiseResult, fresh: Float32Array): Float32Array {
  const next = new Float32Array(normalizedChunk.length);
  next.set(normalizedChunk.subarray(fresh.length));
  next.set(fresh, next.length - fresh.length);
  return next;
}
