import { NonFiniteError, OptionError } from '../foundation/errors.js';
import type { DecisionSourceInfo } from './decision-source.js';

/** An action that was decided for a tick. */
export interface QueuedAction {
  /** Row of the chunk's horizon. */
  readonly row: number;
  /** f32 [actionDim]. */
  readonly values: Float32Array;
  /** When the newest observation that it was decided from came. */
  readonly observedAtMs: number;
}

interface QueuedChunk {
  readonly chunk: Float32Array;
  /** Chunk time of its newest observation, in ticks. */
  readonly time: number;
  readonly observedAtMs: number;
}

/**
 * The rows of the newest chunk, found by time: row observationSteps − 1 belongs to the tick of the chunk's observation,
 * and every tick after it to the next row. Rows for ticks that are over are therefore dropped by themselves when a chunk
 * comes, and there is no order of arrival that could shift a decision against the clock.
 */
export class ActionQueue {
  readonly #sizes: Pick<DecisionSourceInfo, 'horizon' | 'actionDim' | 'observationSteps'>;
  readonly #actionSteps: number;
  readonly #rows: number;
  #chunk: QueuedChunk | undefined;

  /** A chunk is used for `actionSteps` + `lead` ticks from its observation on; the next is due after `actionSteps`. */
  constructor(sizes: Pick<DecisionSourceInfo, 'horizon' | 'actionDim' | 'observationSteps'>, actionSteps: number, lead: number) {
    this.#sizes = sizes;
    this.#actionSteps = actionSteps;
    this.#rows = actionSteps + lead;
  }

  get isEmpty(): boolean {
    return this.#chunk === undefined;
  }

  /**
   * Takes a chunk in the place of the one before.
   * @throws OptionError for a chunk of another size; NonFiniteError where a value is NaN or infinite: of such a chunk no
   * row is used, however far ahead the value lies.
   */
  accept(chunk: Float32Array, time: number, observedAtMs: number): void {
    const { horizon, actionDim } = this.#sizes;
    if (chunk.length !== horizon * actionDim) {
      throw new OptionError(
        `the source must return ${horizon} × ${actionDim} = ${horizon * actionDim} values (horizon × action size), ` +
          `found ${chunk.length}.`,
      );
    }
    const bad = chunk.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      const place = `row ${Math.floor(bad / actionDim)} of its chunk, dimension ${bad % actionDim}`;
      throw new NonFiniteError(`the source returned ${String(chunk[bad])} in ${place}.`);
    }
    this.#chunk = { chunk: chunk.slice(), time, observedAtMs };
  }

  /** The action for a chunk time; undefined where the newest chunk does not reach that far. */
  at(time: number): QueuedAction | undefined {
    const chunk = this.#chunk;
    if (!chunk || this.rowsLeft(time) === 0) return undefined;
    const { actionDim, observationSteps } = this.#sizes;
    const row = observationSteps - 1 + time - chunk.time;
    const values = chunk.chunk.subarray(row * actionDim, (row + 1) * actionDim);
    return { row, values, observedAtMs: chunk.observedAtMs };
  }

  /** Rows for this chunk time and later ones. */
  rowsLeft(time: number): number {
    return this.#chunk ? Math.max(0, this.#rows - (time - this.#chunk.time)) : 0;
  }

  /** Whether the next chunk should be decided from the observation of this chunk time. */
  isDue(time: number): boolean {
    return !this.#chunk || time - this.#chunk.time >= this.#actionSteps;
  }

  clear(): void {
    this.#chunk = undefined;
  }
}
