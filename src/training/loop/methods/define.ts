import type { CheckpointSource } from '../../../checkpoints/source.js';
import type { PolicyCheckpoint } from '../../../checkpoints/types.js';
import type { LoadPolicyOptions } from '../../../policy/load-policy.js';
import type { ComputeDevice } from '../../../runtime/device.js';
import type { Interpolant, MethodConfig } from '../../../spec/method-networks.js';
import type { UnetShape } from '../../../spec/network-shapes.js';
import type { PolicySpec } from '../../../spec/policy-spec.js';
import type { PredictorDropout, TrainingPrecision, TrainingStep } from '../../training-step.js';
import { integers, normals, type Purpose, uniforms } from '../draws.js';
import type { Preset } from '../presets.js';
import type { Chunks } from '../unet-batches.js';
import type { UnetSizes } from '../unet-sizes.js';

/** Options that some methods have and others have not. */
export interface MethodOptions {
  /** Of a consistency policy's student: the folder of its teacher, as `consistency-teacher` leaves it. Closed when it was read. */
  readonly teacher?: CheckpointSource;
  /** The U-Net. Default: as the policy's. */
  readonly sizes?: Partial<UnetSizes>;
  /** Rows of a chunk. Default: as the policy's. */
  readonly horizon?: number;
  /** Rows executed per decision. Default: as the policy's. */
  readonly actionSteps?: number;
  /** Of OneDP: from noise, with a score network, or from zeros. Default `stochastic`. */
  readonly variant?: 'stochastic' | 'deterministic';
  /** Of BRIDGER: the folder of a CVAE whose chunks it starts from (`trainCvae`, release bridger). Closed when it was read. Default: noise. */
  readonly prior?: CheckpointSource;
  /** Of BRIDGER: how it goes from the prior to the demonstrations. Default `power3`. */
  readonly interpolant?: Interpolant;
  /** Of Consistency Policy: probability of dropout in the blocks of the student, or in the middle ones of the teacher. Default 0.2. */
  readonly dropout?: number;
  /** Of NO-Diffusion: width of its heads. Default 256. */
  readonly hiddenDim?: number;
}

/** What a method is opened with. */
export interface MethodContext {
  readonly device: ComputeDevice;
  /** The policy whose observations, statistics and sizes the method shares; OneDP's teacher. */
  readonly checkpoint: PolicyCheckpoint;
  readonly options: MethodOptions;
  /** Sizes of its U-Net, checked. */
  readonly shape: UnetShape;
  readonly actionSteps: number;
  readonly batchSize: number;
  readonly seed: number;
  /** Whether a moving average is kept. */
  readonly ema: boolean;
  readonly precision: TrainingPrecision;
  /** Values of one frame. */
  readonly frameSize: number;
}

/** A method that is ready to be trained. */
export interface OpenMethod {
  /** Its weights are written. */
  readonly step: TrainingStep<never>;
  /** A batch of these windows, or a promise of it: a pure function of windows and draws. */
  batch(chunks: Chunks, draws: MethodDraws): unknown;
  /** What else a run that goes on must have in common with the one that it goes on with. */
  readonly identity?: Readonly<Record<string, string | number>>;
  /** What config.json says beyond the sizes, its `type` first. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Parameters of the step that the result has; the others serve training alone. Default: all. */
  isResult?(name: string): boolean;
  /** How the result decides beside its policy, where that follows from options. Default: the method's. */
  readonly strategy?: TrainableMethod['strategy'];
  /** Frees what is not the step's. */
  destroy(): void;
}

/** A method by its name in options and on the command line: a file, and a line in `kinds.ts`. */
export interface TrainableMethod {
  /** Its own recipe, which options change. */
  readonly preset: Preset;
  /** Optimiser steps where the command line says nothing. */
  readonly steps: number;
  /** For headings. */
  readonly title: string;
  /** Epochs between two decays of a rate that falls in steps, where options do not say how many steps that are. */
  readonly rateEpochs?: number;
  /** How the result decides beside its policy; left out where it does not. */
  readonly strategy?: NonNullable<LoadPolicyOptions['strategy']>;
  /**
   * What is known of its network before it is trained, where values of the strategy's options depend on more than the policy. `policy`: whose frames and
   * noise levels it shares.
   */
  readonly expected?: (
    policy: Pick<PolicySpec, 'unet' | 'observationSteps' | 'actionSteps' | 'scheduler'>,
    options: Pick<MethodOptions, 'variant'>,
  ) => MethodConfig;
  /** Options that it has. */
  readonly accepts: readonly (keyof MethodOptions)[];
  /** First row of its chunks, in steps after the newest frame. Default: that of the oldest frame. */
  readonly firstRow?: number;
  open(context: MethodContext): Promise<OpenMethod>;
}

/** Everything that is drawn for a batch, keyed by run, batch and purpose; validation has draws of its own. */
export class MethodDraws {
  readonly #seed: number;
  readonly #step: number;
  readonly #isValidation: boolean;

  constructor(seed: number, step: number, isValidation: boolean) {
    this.#seed = seed;
    this.#step = step;
    this.#isValidation = isValidation;
  }

  normals(purpose: Purpose, count: number, part = 0): Float32Array {
    return normals(count, this.#key(purpose, part));
  }

  uniforms(purpose: Purpose, count: number, part = 0): Float64Array {
    return uniforms(count, this.#key(purpose, part));
  }

  /** 0 … below − 1. */
  integers(purpose: Purpose, count: number, below: number, part = 0): Int32Array {
    return integers(count, below, this.#key(purpose, part));
  }

  /** What a batch drops by; a validation drops nothing. */
  dropout(probability: number): PredictorDropout | null {
    return probability === 0 || this.#isValidation ? null : { probability, seed: this.#seed, step: this.#step };
  }

  #key(purpose: Purpose, part: number): { seed: number; purpose: Purpose; step: number; part: number } {
    return { seed: this.#seed, purpose, step: this.#step, part: 2 * part + (this.#isValidation ? 1 : 0) };
  }
}
