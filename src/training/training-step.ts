/** Which copy of the parameters is read or written. */
export type ParameterSet = 'weights' | 'gradients' | 'firstMoment' | 'secondMoment' | 'ema';

/**
 * How the products of both passes read weights: as f32, or as copies rounded to f16, half as many bytes. What is learned is f32 in any case:
 * weights, gradients, moments, average, and all arithmetic.
 */
export const TRAINING_PRECISIONS = ['f32', 'f16'] as const;
export type TrainingPrecision = (typeof TRAINING_PRECISIONS)[number];

/** What batch norms normalise by in training: statistics of each batch, which move the running ones, or the running ones, which then stay. */
export const BATCH_NORM_TRAININGS = ['batch', 'running'] as const;
export type BatchNormTraining = (typeof BATCH_NORM_TRAININGS)[number];

/** One parameter of a network: names and order are those of the reference's state dict. */
export interface ParameterInfo {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Scalars of one optimiser step, all computed in float64 by the host. */
export interface UpdateScalars {
  /** `adam`: weight decay is added to the gradient (LeRobot). `adamw`: decoupled (Diffusion Policy, STEP). */
  readonly optimizer: 'adam' | 'adamw';
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** k of the bias correction, 1 for the first step. */
  readonly stepNumber: number;
  /** Largest global norm of the gradients, or null: no clipping. */
  readonly clipNorm: number | null;
  /** d of this update of the EMA copy, or null: no EMA. */
  readonly emaDecay: number | null;
}

/** What a run of the plan says about itself. */
export interface StepMetrics {
  /** Of the batch, before the update. */
  readonly loss: number;
  /** L2 norm of all gradients, before clipping. NaN or infinite: the update was refused, no weight or moment has changed. */
  readonly gradientNorm: number;
  /** Number of the first update that was refused so since the network was compiled, also where nobody read the metrics then; null: none was. */
  readonly refusedStep: number | null;
}

/** How a batch counts among others of the same step. */
export interface RunOptions {
  readonly accumulate?: boolean;
  readonly share?: number;
  /**
   * The network as it is run when it acts: batch norms read their running statistics, which stay. For measuring a loss; networks without batch norm are
   * the same either way. Default false.
   */
  readonly evaluates?: boolean;
}

/** What passes of a network move by themselves, not by gradients: running statistics of batch norms. */
export interface StepStatistics {
  /** By the names of the reference's state dict. */
  readonly tensors: readonly ParameterInfo[];
  read(): Promise<ReadonlyMap<string, Float32Array>>;
  /** All of them. @throws OptionError where one is missing, unknown, of another size, or no statistics. */
  write(tensors: ReadonlyMap<string, Float32Array>): void;
}

/**
 * A network compiled for training at one batch size: one submit per step, nothing read back unless asked. What a batch is
 * differs per network.
 */
export interface TrainingStep<Batch> {
  readonly batchSize: number;
  readonly parameters: readonly ParameterInfo[];
  /** Bytes of device memory held, by purpose. */
  readonly memory: Readonly<Record<string, number>>;
  /** Of a network with batch norms; the optimiser and the moving average leave them alone. */
  readonly statistics?: StepStatistics | undefined;
  /**
   * Forward and backward of one batch; with scalars also clip, optimiser and EMA in the same submit. `accumulate`: adds to the
   * gradients of the calls before. `share`: what this batch counts of the step, 1 by default; of A batches that make one step, 1 / A. A batch shorter than `batchSize` (the last of an epoch) is allowed: rows beyond its `count` do
   * not count.
   */
  run(batch: Batch, update: UpdateScalars | null, options?: RunOptions): void;
  /** Loss and norm of the newest run; waits for the device. Of several batches of a step, the loss is that of the newest, times its share. */
  metrics(): Promise<StepMetrics>;
  read(set: ParameterSet): Promise<ReadonlyMap<string, Float32Array>>;
  write(set: ParameterSet, tensors: ReadonlyMap<string, Float32Array>): void;
  dispose(): void;
}

/** A batch of the diffusion U-Net: `B × …` with B = `batchSize` rows, of which the first `count` count. */
export interface UNetBatch {
  readonly count: number;
  /** B × G: what the observations became, normalised. */
  readonly conditioning: Float32Array;
  /** B × H × D, normalised. */
  readonly actions: Float32Array;
  /** B × H × D, standard normal. */
  readonly noise: Float32Array;
  /** B, each 0 … T−1. */
  readonly timesteps: Int32Array;
  /** B × H, 1 = counts in the loss; null: all do. */
  readonly validity: Uint8Array | null;
}

/** A batch of the STEP predictor, rows as in `UNetBatch`. */
export interface PredictorBatch {
  readonly count: number;
  /** B × H × D. */
  readonly previous: Float32Array;
  /** B × To × O; of a network with an image encoder of its own B × To × V, the vectors that follow its features, in raw units. */
  readonly observation: Float32Array;
  /** Of such a network, by camera: B × To pictures of height × width × 3 bytes. */
  readonly pictures?: readonly Uint8Array[];
  /** B × H × D. */
  readonly target: Float32Array;
  readonly dropout: PredictorDropout | null;
}

/**
 * Dropout by masks drawn on the device, with the Philox key of (seed, step), or by recorded masks (name of the site → 1 where kept).
 * Kept values are scaled by 1/(1 − probability).
 */
export type PredictorDropout =
  | { readonly probability: number; readonly seed: number; readonly step: number }
  | { readonly probability: number; readonly masks: ReadonlyMap<string, Uint8Array> };
