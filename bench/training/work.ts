import type { UnetShape } from '../../src/spec/network-shapes.js';
import type { UNetBatch, UpdateScalars } from '../../src/training/training-step.js';
import type { UNetTraining } from '../../src/training/unet/unet-training.js';

/** Sizes by name: down_dims of policies that are trained on Push-T and on manipulation tasks. */
export const SIZES: Readonly<Record<string, readonly number[]>> = { small: [64, 128, 256], large: [512, 1024, 2048] };

/** The network of `checkpoints/pusht-state` with other widths. */
export function benchShape(downDims: readonly number[]): UnetShape {
  return {
    actionDim: 2,
    horizon: 16,
    downDims,
    kernelSize: 5,
    groups: 8,
    stepEmbedDim: 128,
    conditioningDim: 36,
    scaleModulation: true,
  };
}

export const SCHEDULE = { numTrainTimesteps: 100, betaSchedule: 'squaredcos_cap_v2', betaStart: 0.0001, betaEnd: 0.02 } as const;

/** LeRobot's defaults. */
export const UPDATE: UpdateScalars = {
  optimizer: 'adam',
  learningRate: 1e-4,
  beta1: 0.95,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 1e-6,
  stepNumber: 1,
  clipNorm: 10,
  emaDecay: null,
};

/** Values in ±scale that are the same in every run. */
export function spread(length: number, seed: number, scale: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => scale * Math.sin(seed * 977 + i * 12.9898 + ((i * 7) % 13)));
}

export function benchBatch({ horizon, actionDim, conditioningDim }: UnetShape, count: number): UNetBatch {
  return {
    count,
    conditioning: spread(count * conditioningDim, 1, 1),
    actions: spread(count * horizon * actionDim, 2, 1),
    noise: spread(count * horizon * actionDim, 3, 1.4),
    timesteps: Int32Array.from({ length: count }, (_, b) => (b * 37) % 100),
    validity: null,
  };
}

/** Random weights of PyTorch's size; norms 1 and 0. */
export function writeBenchWeights(training: UNetTraining): void {
  const weights = training.parameters.map(({ name, shape }, index): [string, Float32Array] => {
    const length = shape.reduce((product, size) => product * size, 1);
    const isNorm = /\.block\.1\.(weight|bias)$/.test(name);
    if (isNorm) return [name, new Float32Array(length).fill(name.endsWith('weight') ? 1 : 0)];
    const fan = shape.slice(1).reduce((product, size) => product * size, 1);
    return [name, spread(length, index, 1 / Math.sqrt(shape.length > 1 ? fan : 64))];
  });
  training.write('weights', new Map(weights));
}

/** Multiply-adds of the forward pass of a sample: those of all matrices. */
export function forwardProducts(shape: UnetShape, parameters: readonly { name: string; shape: readonly number[] }[]): number {
  const last = shape.downDims.length - 1;
  const places = (name: string): number => {
    if (/diffusion_step_encoder|cond_encoder/.test(name)) return 1;
    const [, module, level = '0', part] = /(down|up|mid|final)(?:_modules)?\.(\d+)(?:\.(\d+))?/.exec(name) ?? [];
    const at = (halvings: number): number => shape.horizon / 2 ** halvings;
    if (module === 'mid') return at(last);
    if (module === 'down') return at(Number(level) + (part === '2' ? 1 : 0));
    // A transposed convolution meets every input with every tap.
    if (module === 'up') return at(last - Number(level));
    return shape.horizon;
  };
  return parameters
    .filter(({ name, shape: sizes }) => sizes.length > 1 && name.endsWith('weight'))
    .reduce((sum, { name, shape: sizes }) => sum + sizes.reduce((product, size) => product * size, 1) * places(name), 0);
}
