import { type Summary, summarize } from '../foundation/statistics.js';

const STATISTICS = ['count', 'p50', 'p95', 'p99', 'max'] as const;

/** Percentiles by nearest rank, so that each of them was measured, and the largest value. */
export type Distribution = Pick<Summary, (typeof STATISTICS)[number]>;

/** Counts are since the start of the loop; distributions over the last 1024 values, undefined before the first. */
export interface ControlMetrics {
  /** Ticks that were run. */
  readonly ticks: number;
  /** Ticks that were missed entirely, because the thread was blocked. */
  readonly skippedTicks: number;
  /** Ticks before the first chunk of an episode. */
  readonly waitingTicks: number;
  /** Actions sent, repeated ones and the hold action included. */
  readonly sent: number;
  /** Ticks at which no action was sent because the send before had not ended. */
  readonly busyTicks: number;
  /** Ticks for which no row of a chunk was there, or whose row was not sent because the send before had not ended. */
  readonly deadlineMisses: number;
  /** Decisions from an observation that was decided from before: none had come since. A sensor that died, where `maxObservationAgeMs` is not set. */
  readonly unchangedDecisions: number;
  /** Chunks that were decided. */
  readonly decisions: number;
  /** Of these, chunks that came when all of their rows were over. */
  readonly expiredChunks: number;
  /** Actions with a value outside of the limits. */
  readonly limitedActions: number;
  /** Such values. */
  readonly limitedValues: number;
  /** Observations that observe() refused. */
  readonly refusedObservations: number;
  /** Ticks whose observation was older than `maxObservationAgeMs`. */
  readonly staleTicks: number;
  /** Depth of the queue: rows of the newest chunk that are still to be sent. */
  readonly rowsLeft: number;
  /** From the call of the source to its chunk. */
  readonly decisionLatencyMs: Distribution | undefined;
  /** How long after its time a tick began. */
  readonly tickJitterMs: Distribution | undefined;
  /** Age of sent actions: from the observation that an action was decided from until it was sent. */
  readonly actionAgeMs: Distribution | undefined;
}

/** The counts of `ControlMetrics`, to be counted up. */
export type Counts = {
  -readonly [Name in keyof ControlMetrics as ControlMetrics[Name] extends number ? Exclude<Name, 'rowsLeft'> : never]: number;
};

const CAPACITY = 1024;

/** The last values of a measurement: a loop that runs for days stays the same size. */
export class RecentValues {
  readonly #values = new Float64Array(CAPACITY);
  #added = 0;

  add(value: number): void {
    this.#values[this.#added % CAPACITY] = value;
    this.#added++;
  }

  distribution(): Distribution | undefined {
    return summarize(this.#values.subarray(0, Math.min(this.#added, CAPACITY)), STATISTICS);
  }
}

/** Collects the metrics of a loop. */
export class MetricsRecorder {
  readonly counts: Counts = {
    ticks: 0,
    skippedTicks: 0,
    waitingTicks: 0,
    sent: 0,
    busyTicks: 0,
    deadlineMisses: 0,
    unchangedDecisions: 0,
    decisions: 0,
    expiredChunks: 0,
    limitedActions: 0,
    limitedValues: 0,
    refusedObservations: 0,
    staleTicks: 0,
  };
  readonly decisionLatencyMs = new RecentValues();
  readonly tickJitterMs = new RecentValues();
  readonly actionAgeMs = new RecentValues();

  snapshot(rowsLeft: number): ControlMetrics {
    return {
      ...this.counts,
      rowsLeft,
      decisionLatencyMs: this.decisionLatencyMs.distribution(),
      tickJitterMs: this.tickJitterMs.distribution(),
      actionAgeMs: this.actionAgeMs.distribution(),
    };
  }
}
