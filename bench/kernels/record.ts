import type { Environment } from '../../src/platform/node/environment.js';
import type { AdapterSummary } from '../../src/runtime/device.js';
import type { Precision } from '../../src/spec/precision.js';
import type { SyntheticSize } from '../../src/synthetic/checkpoint.js';
import type { PictureChoice } from '../../src/tuning/empty-encoder.js';
import type { Statistics } from './statistics.js';

/** Samples in milliseconds, and what is said of them. */
export interface Timing extends Statistics {
  readonly samplesMs: readonly number[];
}

/** One kernel at one shape: a chain of equal dispatches, its time divided by their number. */
export interface CaseRecord {
  /** First layer that it computes: stays the same when kernels change. */
  readonly id: string;
  readonly kernel: string;
  /** First word of the kernel's label. */
  readonly kind: string;
  readonly segment: string;
  readonly shape: string;
  readonly layers: readonly string[];
  readonly workgroups: readonly number[];
  /** Dispatches in one decision. */
  readonly perDecision: number;
  /** Bytes that one dispatch has to move, those of them that are weights, and its multiply-adds. */
  readonly bytes: number;
  readonly weightBytes: number;
  readonly macs: number;
  /** Dispatches in one run, and how many sets of weights they take turns with. */
  readonly chain: number;
  readonly rotation: number;
  /** Of one dispatch. */
  readonly dispatch: Timing;
}

export interface StreamRecord {
  readonly name: string;
  readonly bytes: number;
  readonly run: Timing;
  readonly gigabytesPerSecond: number;
}

export interface OverheadRecord {
  readonly name: string;
  readonly what: string;
  /** Of one dispatch, or of one whole operation. */
  readonly each: Timing;
}

export interface PrecisionRecord {
  readonly precision: Precision;
  readonly dispatches: number;
  /** Bytes that a decision has to move. */
  readonly bytes: number;
  readonly macs: number;
  /** All dispatches of a decision in one command buffer, with the wait for its end; null where it was not measured. */
  readonly decision: Timing | null;
  readonly cases: readonly CaseRecord[];
}

export const SUITE_FORMAT = 'warmstep-bench-suite';

/** Everything that one run of the suite found, with what is needed to read it later. */
export interface SuiteRecord {
  readonly format: typeof SUITE_FORMAT;
  readonly environment: Environment;
  readonly adapter: AdapterSummary;
  readonly deviceClass: string;
  readonly profile: string;
  /**
   * `host`: chains of equal dispatches, submit to end. `gpu`: timestamps around every dispatch of whole decisions, which
   * leave out what lies between dispatches.
   */
  readonly clock: 'host' | 'gpu';
  readonly size: SyntheticSize;
  readonly batch: number;
  readonly horizon: number;
  readonly steps: number;
  /** Where the image encoder was measured instead of a decision: its pictures, `batch` of them. */
  readonly picture?: PictureChoice;
  readonly filter: string;
  readonly stream: readonly StreamRecord[];
  readonly overheads: readonly OverheadRecord[];
  readonly precisions: readonly PrecisionRecord[];
}

/** GB/s of the best stream kernel of a run. */
export function bestStream(record: Pick<SuiteRecord, 'stream'>): number {
  return Math.max(...record.stream.map(({ gigabytesPerSecond }) => gigabytesPerSecond));
}
