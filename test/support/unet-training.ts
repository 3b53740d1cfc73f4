import type { ComputeDevice } from '../../src/runtime/device.js';
import type { UnetShape } from '../../src/spec/network-shapes.js';
import type { UNetBatch, UpdateScalars } from '../../src/training/training-step.js';
import { UNetTraining, type UNetTrainingOptions } from '../../src/training/unet/unet-training.js';
import { Normals } from './values.js';

/** Nothing in it is a multiple of four but what has to be. */
export const SMALL_UNET: UnetShape = {
  actionDim: 3,
  horizon: 4,
  downDims: [8, 16],
  kernelSize: 3,
  groups: 2,
  stepEmbedDim: 6,
  conditioningDim: 7,
  scaleModulation: true,
};

export const SCHEDULE = { numTrainTimesteps: 20, betaSchedule: 'squaredcos_cap_v2', betaStart: 0.0001, betaEnd: 0.02 } as const;

export const UPDATE: UpdateScalars = {
  optimizer: 'adamw',
  learningRate: 1e-3,
  beta1: 0.95,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.1,
  stepNumber: 1,
  clipNorm: 1,
  emaDecay: 0.5,
};

/** A network with random weights, small enough that no activation saturates. */
export async function openTraining(device: ComputeDevice, options: Partial<UNetTrainingOptions> = {}): Promise<UNetTraining> {
  const all: UNetTrainingOptions = {
    shape: SMALL_UNET,
    batchSize: 3,
    schedule: SCHEDULE,
    predictionType: 'epsilon',
    ema: true,
    ...options,
  };
  const training = await UNetTraining.create(device, all);
  const weights = randomWeights(training);
  training.write('weights', weights);
  if (all.ema) training.write('ema', weights);
  return training;
}

export function randomWeights({ parameters }: Pick<UNetTraining, 'parameters'>): Map<string, Float32Array> {
  const random = new Normals(5);
  return new Map(
    parameters.map(({ name, shape }) => {
      const count = shape.reduce((product, size) => product * size, 1);
      const fan = shape.slice(1).reduce((product, size) => product * size, 1);
      const isGamma = name.endsWith('block.1.weight');
      return [
        name,
        random.floats(count, shape.length > 1 ? 1 / Math.sqrt(fan) : 0.3).map((value) => Math.fround(value + (isGamma ? 1 : 0))),
      ];
    }),
  );
}

export function randomBatch({ horizon, actionDim, conditioningDim }: UnetShape, count: number, seed: number): UNetBatch {
  const random = new Normals(seed);
  return {
    count,
    conditioning: random.floats(count * conditioningDim),
    actions: random.floats(count * horizon * actionDim),
    noise: random.floats(count * horizon * actionDim),
    timesteps: Int32Array.from({ length: count }, () => Math.floor(random.uniform() * SCHEDULE.numTrainTimesteps)),
    validity: Uint8Array.from({ length: count * horizon }, () => (random.uniform() < 0.7 ? 1 : 0)),
  };
}
