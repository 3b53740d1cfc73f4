import type { SlotSolver } from '../diffusion/slot-steps.js';
import type { Schedule } from '../diffusion/solver-step.js';
import { signalAndNoise } from '../diffusion/solver-step.js';
import type { StreamingLevels } from '../diffusion/streaming-levels.js';
import {
  type DecidingSteps,
  type DecisionContext,
  type DecisionMaker,
  type DenoiseRequest,
  type DenoiseResult,
  startFromSample,
} from './strategy.js';

/** What all episodes of a streaming strategy share. */
export interface Streaming {
  readonly levels: StreamingLevels;
  readonly actionDim: number;
  /** ā of the network's noise schedule. */
  readonly alphasCumprod: Float64Array;
  /** Of whole denoising, from the noisiest level to the clean buffer; undefined: an episode begins with noised zeros. */
  readonly whole: Schedule | undefined;
  /** Of a decision whose buffer has these levels. */
  readonly schedule: (levels: readonly number[]) => Schedule;
  /** Whether slots of the past are noised to the level that they are labelled with. */
  readonly renoisePastSlots: boolean;
  readonly denoiser: string;
}

/** Makes the schedule of a decision from its first levels; each is made once, so that those of a fleet are the same. */
export function streamingSchedules(levels: StreamingLevels, solver: SlotSolver): Streaming['schedule'] {
  const known = new Map<string, Schedule>();
  return (first) => {
    const key = first.join(' ');
    const schedule = known.get(key) ?? solver.schedule(levels.decision(first).calls);
    known.set(key, schedule);
    return schedule;
  };
}

/** A noisy buffer, and the level of every slot. */
interface Buffer {
  readonly values: Float32Array;
  readonly levels: readonly number[];
}

/**
 * The decisions of an episode of SDP. Draws of `context.normal`, of `actionDim` values a slot: slots that come in behind the decision, then past
 * slots of the next buffer, then, at the first decision alone, the buffer, and for one that is denoised as a whole the slots that are noised again.
 */
export class StreamingEpisode implements DecisionMaker {
  readonly #streaming: Streaming;
  #buffer: Buffer | undefined;

  constructor(streaming: Streaming) {
    this.#streaming = streaming;
  }

  *decide(context: DecisionContext): DecidingSteps {
    const { levels: streaming, actionDim } = this.#streaming;
    const { horizon, observationSteps } = streaming.sizes;
    const remembered = this.#buffer;
    const counts = [streaming.appended, observationSteps - 1, ...(remembered ? [] : [horizon, horizon])];
    const [appended, past, ...initial] = cut(context.normal(counts.reduce((a, b) => a + b, 0) * actionDim), counts, actionDim);
    const [noise, renoise] = initial as [Float32Array, Float32Array];
    const buffer = remembered ?? (yield* this.#begin(noise, renoise));
    const { whole } = this.#streaming;
    // Rows of noise that a decision used up already are not drawn again.
    const usedRows = remembered === undefined && whole !== undefined ? whole.noisySteps : 0;
    const request = this.#request(buffer.values, this.#streaming.schedule(buffer.levels), usedRows);
    const [result] = yield [request];
    const remember = (): void => {
      const { left } = streaming.decision(buffer.levels);
      this.#buffer = this.#next(
        (result as DenoiseResult).normalizedChunk,
        streaming.pushed(left),
        appended as Float32Array,
        past as Float32Array,
      );
    };
    return { result: result as DenoiseResult, request, warm: remembered !== undefined, stalled: false, screening: 0, remember };
  }

  /** The buffer of an episode that begins. */
  *#begin(noise: Float32Array, renoise: Float32Array): Generator<readonly DenoiseRequest[], Buffer, readonly DenoiseResult[]> {
    const { levels: streaming, whole } = this.#streaming;
    const { actionSteps, observationSteps, horizon } = streaming.sizes;
    const levels = streaming.first();
    // Zeros at the level of each slot.
    if (!whole) return { values: this.#noised(new Float32Array(noise.length), noise, levels, 0, horizon), levels };
    const [denoised] = yield [this.#request(noise, whole, 0)];
    // Chunk 0 is clean by now. It is labelled as noisy all the same, and denoised again.
    const clean = (denoised as DenoiseResult).normalizedChunk;
    return { values: this.#noised(clean, renoise, levels, actionSteps + observationSteps - 1, horizon), levels };
  }

  #request(sample: Float32Array, schedule: Schedule, firstNoiseRow: number): DenoiseRequest {
    return { ...startFromSample(sample, schedule), denoiser: this.#streaming.denoiser, firstNoiseRow };
  }

  #next(values: Float32Array, levels: readonly number[], appended: Float32Array, past: Float32Array): Buffer {
    const { levels: streaming, actionDim, renoisePastSlots } = this.#streaming;
    const pushed = streaming.pushedBuffer(values, appended, actionDim);
    const pastSlots = streaming.sizes.observationSteps - 1;
    return { values: renoisePastSlots ? this.#noised(pushed, past, levels, 0, pastSlots) : pushed, levels };
  }

  /** Slots [first, end) of clean values at their levels: s·x + n·ε, with row 0 of `noise` for slot `first` where it has fewer rows. */
  #noised(values: Float32Array, noise: Float32Array, levels: readonly number[], first: number, end: number): Float32Array {
    const { actionDim, alphasCumprod } = this.#streaming;
    const noised = values.slice();
    for (let slot = first; slot < end; slot++) {
      const { signal, noise: scale } = signalAndNoise(alphasCumprod, levels[slot] as number);
      for (let i = slot * actionDim; i < (slot + 1) * actionDim; i++) {
        noised[i] = signal * (values[i] as number) + scale * (noise[i - first * actionDim] as number);
      }
    }
    return noised;
  }
}

/** Parts of `counts` rows each, one after the other. */
function cut(values: Float32Array, counts: readonly number[], width: number): Float32Array[] {
  let end = 0;
  return counts.map((count) => values.subarray(end, (end += count * width)));
}
