import { type EncodedPictures, type FeatureOutput, type FramesPlan, readOutputs } from './frames-plan.js';

/** Parts of what goes up with a decision that features belong to. */
export type FeaturePart = 'observations' | 'rows';

/** Features of a picture on their way from where they are made to where a decision reads them, in bytes. */
export interface FeatureCopy {
  readonly source: GPUBuffer;
  readonly sourceOffset: number;
  readonly part: FeaturePart;
  /** Within the window's share of that part. */
  readonly offset: number;
  readonly bytes: number;
}

/** Frames that are encoded together, and what they are needed for. */
export interface PendingBatch {
  readonly plan: FramesPlan;
  /** Tells the plan from all others. */
  readonly id: number;
  /** Encoded on their own. */
  run(): Promise<EncodedPictures['probes']>;
  /** Sends the pictures up. */
  upload(): void;
  /** Takes the features. @throws NonFiniteError. */
  settle(features: readonly Float32Array[]): void;
}

/** Where a window reads features that are still to be made. */
export interface PendingWindow {
  /** Equal for windows that read the same places. */
  readonly pattern: string;
  readonly copies: readonly FeatureCopy[];
}

/**
 * Features that a decision needs and that are not there yet. They are made by the commands of that decision, or on their own before
 * it; then they are in the windows that read them, whose arrays were handed out before.
 */
export class PendingFeatures {
  readonly #batches: readonly PendingBatch[];
  readonly #windowOf: (window: Float32Array) => PendingWindow;

  /** `windowOf`: what the window with this array waits for. */
  constructor(batches: readonly PendingBatch[], windowOf: (window: Float32Array) => PendingWindow) {
    this.#batches = batches;
    this.#windowOf = windowOf;
  }

  /** Whether commands of a decision can make them: a plan runs once in them, and hands out no inner values. */
  get canJoin(): boolean {
    const ids = new Set(this.#batches.map(({ id }) => id));
    return ids.size === this.#batches.length && this.#batches.every(({ plan }) => !plan.isProbed);
  }

  /** Of all features, in the order of `outputs`. */
  get bytes(): number {
    return this.outputs.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** What makes them, in the order of `outputs`. */
  get plans(): readonly FramesPlan[] {
    return this.#batches.map(({ plan }) => plan);
  }

  get outputs(): readonly FeatureOutput[] {
    return this.plans.flatMap(({ outputs }) => outputs);
  }

  /** What a window waits for, by its array. */
  of(window: Float32Array): PendingWindow {
    return this.#windowOf(window);
  }

  /** Tells the commands that make them for these windows from others. */
  key(windows: readonly PendingWindow[]): string {
    return `${this.#batches.map(({ id }) => id).join(',')}|${windows.map(({ pattern }) => pattern).join(';')}`;
  }

  upload(): void {
    for (const batch of this.#batches) batch.upload();
  }

  /** Takes the features out of a mapped buffer, where they lie in the order of `outputs` from a byte on. @throws NonFiniteError. */
  settle(mapped: ArrayBuffer, from: number): void {
    let begin = from;
    for (const { plan, settle } of this.#batches) {
      settle(readOutputs(plan.outputs, mapped, begin));
      begin += plan.outputs.reduce((sum, { bytes }) => sum + bytes, 0);
    }
  }

  /** Makes them on their own; returns the inner values of the first batch. @throws NonFiniteError, DeviceLostError. */
  async alone(): Promise<EncodedPictures['probes']> {
    const [first] = this.#batches;
    let probes: EncodedPictures['probes'] = new Map();
    for (const batch of this.#batches) {
      const values = await batch.run();
      if (batch === first) probes = values;
    }
    return probes;
  }
}
