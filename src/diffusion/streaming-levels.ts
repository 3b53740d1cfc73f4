import { OptionError } from '../foundation/errors.js';
import { CLEAN } from './slot-steps.js';

/** Sizes of a streaming diffusion policy (Høeg et al. 2024, SDP). */
export interface StreamingSizes {
  /** P: slots of the buffer. */
  readonly horizon: number;
  /** E: slots that a decision executes. */
  readonly actionSteps: number;
  /** To: slot To − 1 belongs to now, the slots before it to the past. */
  readonly observationSteps: number;
  /** N: levels 0 … N − 1. */
  readonly numTrainTimesteps: number;
}

/**
 * Which level every slot of a streaming buffer has. The slots from now on are cut into C = ⌊(P − (To − 1)) / E⌋ complete chunks and an
 * incomplete tail; all slots of a chunk share a level. A decision calls the network until chunk 0 is clean, executes it, drops its slots and
 * the tail, and appends slots of pure noise. (SDP release, tedi_unet_lowdim_policy.py.)
 */
export class StreamingLevels {
  readonly sizes: StreamingSizes;
  /** C: complete chunks. */
  readonly chunks: number;
  /** Slots behind the last complete chunk. */
  readonly tail: number;

  /** @throws OptionError for a buffer without a complete chunk. */
  constructor(sizes: StreamingSizes) {
    const { horizon, actionSteps, observationSteps, numTrainTimesteps } = sizes;
    const ahead = horizon - (observationSteps - 1);
    this.sizes = sizes;
    this.chunks = Math.floor(ahead / actionSteps);
    this.tail = ahead - this.chunks * actionSteps;
    if (this.chunks < 1 || numTrainTimesteps < this.chunks) {
      throw new OptionError(
        `a streaming buffer needs a complete chunk, and a level for each: expected n_action_steps from 1 to ${ahead}, horizon − (n_obs_steps − 1), ` +
          `and ${this.chunks} or more levels, found n_action_steps ${actionSteps} and ${numTrainTimesteps} levels.`,
      );
    }
  }

  /** Slots that come in behind a decision. */
  get appended(): number {
    return this.sizes.actionSteps + this.tail;
  }

  /** Levels at the beginning of an episode: ⌊N (c + 1) / C⌋ − 1 for the slots of chunk c. */
  first(): number[] {
    const { numTrainTimesteps } = this.sizes;
    return this.#perSlot((slot) => Math.floor((numTrainTimesteps * (this.chunkOf(slot) + 1)) / this.chunks) - 1);
  }

  /** The chunk of a slot; slots of the past count to the first one, those of the tail to the last. */
  chunkOf(slot: number): number {
    const { actionSteps, observationSteps } = this.sizes;
    return Math.min(Math.max(0, Math.floor((slot - (observationSteps - 1)) / actionSteps)), this.chunks - 1);
  }

  /** Levels before every call of a decision that begins with these, and those that it leaves. */
  decision(levels: readonly number[]): { readonly calls: readonly (readonly number[])[]; readonly left: readonly number[] } {
    const { actionSteps, observationSteps } = this.sizes;
    const lastExecuted = observationSteps - 1 + actionSteps - 1;
    const calls: (readonly number[])[] = [];
    let left = levels;
    while ((left[lastExecuted] as number) !== CLEAN) {
      calls.push(left);
      left = left.map((level) => Math.max(level - 1, CLEAN));
    }
    return { calls, left };
  }

  /** Levels of the next decision: slots of the past, clean though they are, are labelled as the first of the future is. */
  pushed(left: readonly number[]): number[] {
    const { horizon, actionSteps, observationSteps, numTrainTimesteps } = this.sizes;
    const kept = horizon - this.appended;
    const moved = this.#perSlot((slot) => (slot < kept ? (left[slot + actionSteps] as number) : numTrainTimesteps - 1));
    return moved.map((level, slot) => (slot < observationSteps - 1 ? (moved[observationSteps - 1] as number) : level));
  }

  /** The buffer of the next decision: rows move on by E, and `fresh` f32 [appended][actionDim] comes in. */
  pushedBuffer(buffer: Float32Array, fresh: Float32Array, actionDim: number): Float32Array {
    const { horizon, actionSteps } = this.sizes;
    const next = new Float32Array(horizon * actionDim);
    next.set(buffer.subarray(actionSteps * actionDim, (horizon - this.tail) * actionDim));
    next.set(fresh, (horizon - this.appended) * actionDim);
    return next;
  }

  /**
   * What decisions of an episode begin with, in their order, until that repeats: the steps between chunks go round, so an episode has C
   * kinds of decisions at most, and N calls in a round.
   */
  round(): number[][] {
    const starts: number[][] = [];
    let levels = this.first();
    while (!starts.some((known) => known.every((level, slot) => level === levels[slot]))) {
      starts.push(levels);
      levels = this.pushed(this.decision(levels).left);
    }
    return starts;
  }

  /** All slots at one level, from the noisiest level down: a buffer that is denoised as a whole. */
  common(): number[][] {
    const { numTrainTimesteps } = this.sizes;
    return Array.from({ length: numTrainTimesteps }, (_, i) => this.#perSlot(() => numTrainTimesteps - 1 - i));
  }

  #perSlot(level: (slot: number) => number): number[] {
    return Array.from({ length: this.sizes.horizon }, (_, slot) => level(slot));
  }
}
