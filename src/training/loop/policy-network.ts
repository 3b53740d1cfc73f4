import { encoderPrefixes } from '../../checkpoints/lerobot/encoder-tensors.js';
import type { WrittenPolicy } from '../../checkpoints/lerobot/write-policy.js';
import { keypointMapSize } from '../../networks/image-encoder/shape.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { keypointGrid, POLICY_PREFIX } from '../image-encoder/parameters.js';
import { ImagePolicyTraining } from '../image-policy/image-policy-training.js';
import type { BatchNormTraining, TrainingPrecision, TrainingStep } from '../training-step.js';
import { UNetTraining } from '../unet/unet-training.js';
import { type Cameras, imageBatch, imageBatches } from './image-batches.js';
import type { StoredBuffer } from './policy-result.js';
import type { PolicyWindows } from './policy-windows.js';
import type { Preset } from './presets.js';
import type { BatchSource } from './run-training.js';
import { unetBatch, unetBatches } from './unet-batches.js';

export interface CompileOptions {
  readonly batchSize: number;
  readonly seed: number;
  readonly ema: boolean;
  readonly precision: TrainingPrecision;
  /** Says how pictures are cropped: LeRobot draws one place for all of a batch, Diffusion Policy one for each. */
  readonly preset: Preset;
  readonly batchNorm?: BatchNormTraining | undefined;
}

/** A policy compiled for training, and the batches that it takes. */
export interface PolicyNetwork {
  readonly step: TrainingStep<never>;
  /** Of its checkpoint, beside its parameters. */
  readonly buffers: readonly StoredBuffer[];
  batches(anchors: Int32Array): BatchSource<never>;
  /** Runs a batch with noise of its own, the same every time, and changes nothing. */
  validate(anchors: Int32Array, index: number): Promise<void>;
}

/** With cameras, encoder and U-Net train together. @throws DeviceLimitError. */
export async function compilePolicy(
  device: ComputeDevice,
  { unet, scheduler, observationSteps }: WrittenPolicy,
  { spec, observations, images }: PolicyWindows,
  { batchSize, seed, ema, precision, preset, batchNorm }: CompileOptions,
): Promise<PolicyNetwork> {
  const common = {
    shape: unet,
    batchSize,
    schedule: scheduler,
    predictionType: scheduler.predictionType as 'epsilon' | 'sample',
    ema,
    precision,
  };
  const draws = (step: number): { seed: number; step: number; noise: 'validationNoise' } => ({ seed, step, noise: 'validationNoise' });
  if (!images) {
    const step = await UNetTraining.create(device, common);
    return {
      step,
      buffers: [],
      batches: (anchors) => unetBatches(spec, { anchors, batchSize, seed }) as BatchSource<never>,
      validate: async (anchors, index) => step.run(await unetBatch(spec, anchors, batchSize, draws(index)), null),
    };
  }
  const step = await ImagePolicyTraining.create(device, {
    ...common,
    observationSteps,
    observations,
    images,
    ...(batchNorm === undefined ? {} : { batchNorm }),
  });
  const cameras: Cameras = {
    names: observations.flatMap(({ kind, name }) => (kind === 'image' ? [name] : [])),
    frame: images.frame,
    crop: images.crop,
    isOnePlace: preset === 'lerobot',
    isSeparate: images.isSeparate,
  };
  const [height, width] = keypointMapSize(images.encoder);
  return {
    step,
    buffers: encoderPrefixes(images.encoder, images.isSeparate).map((prefix) => ({
      name: `${POLICY_PREFIX}${prefix}pool.pos_grid`,
      shape: [height * width, 2],
      values: keypointGrid(height, width),
    })),
    batches: (anchors) => imageBatches(spec, cameras, { anchors, batchSize, seed }) as BatchSource<never>,
    validate: async (anchors, index) =>
      step.run(await imageBatch(spec, cameras, anchors, batchSize, draws(index)), null, { evaluates: true }),
  };
}
