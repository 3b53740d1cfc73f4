import { describe, expect, it } from 'vitest';
import type { ImageFeature, ImageInputs, ObservationFeature } from '../../src/spec/policy-spec.js';
import type { ImagePolicyBatch } from '../../src/training/image-policy/batch.js';
import { ImagePolicyTraining, type ImagePolicyTrainingOptions } from '../../src/training/image-policy/image-policy-training.js';
import type { UpdateScalars } from '../../src/training/training-step.js';
import { useTestDevice } from '../support/device.js';
import { Normals } from '../support/values.js';

const device = useTestDevice();
const SIZE = 2;
const FEATURES = 8;
const UPDATE: UpdateScalars = {
  optimizer: 'adam',
  learningRate: 1e-3,
  beta1: 0.95,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 1e-6,
  stepNumber: 1,
  clipNorm: 10,
  emaDecay: null,
};

const normalizer = {
  mode: 'mean-std' as const,
  subtract: new Float32Array(3).fill(0.5),
  divide: new Float32Array(3).fill(0.25),
  multiply: new Float32Array(3).fill(1),
  add: new Float32Array(3),
};
const camera = (name: string): ImageFeature => ({
  kind: 'image',
  name,
  rawName: name,
  size: FEATURES,
  channels: 3,
  height: 36,
  width: 40,
  normalizer,
});
const OBSERVATIONS: readonly ObservationFeature[] = [
  { kind: 'vector', name: 'observation.state', rawName: 'observation.state', size: 3, normalizer },
  camera('observation.images.left'),
  camera('observation.images.right'),
];

function optionsOf(isSeparate: boolean): ImagePolicyTrainingOptions {
  const encoder = {
    backbone: 'resnet18',
    norm: 'group',
    keypoints: FEATURES / 2,
    encoders: isSeparate ? 2 : 1,
    height: 36,
    width: 40,
  } as const;
  const images: ImageInputs = { frame: [40, 44], resize: undefined, crop: [36, 40], encoder, isSeparate };
  return {
    shape: {
      actionDim: 2,
      horizon: 4,
      downDims: [8, 16],
      kernelSize: 3,
      groups: 4,
      stepEmbedDim: 8,
      conditioningDim: 3 + 2 * FEATURES,
      scaleModulation: true,
    },
    batchSize: SIZE,
    schedule: { numTrainTimesteps: 100, betaSchedule: 'squaredcos_cap_v2', betaStart: 1e-4, betaEnd: 0.02 },
    predictionType: 'epsilon',
    ema: false,
    observationSteps: 1,
    observations: OBSERVATIONS,
    images,
  };
}

/** `pictures`: which random pictures each camera sees. */
function batchOf(pictures: readonly number[], count = SIZE): ImagePolicyBatch {
  const normals = new Normals(8);
  return {
    count,
    vectors: normals.floats(SIZE * 3),
    pictures: pictures.map((seed) => {
      const random = new Normals(seed);
      return Uint8Array.from({ length: SIZE * 40 * 44 * 3 }, () => random.uniform() * 256);
    }),
    crops: null,
    actions: normals.floats(SIZE * 8),
    noise: normals.floats(SIZE * 8),
    timesteps: Int32Array.of(5, 60),
    validity: null,
  };
}

type Tensors = ReadonlyMap<string, Float32Array>;

function weightsOf({ parameters }: ImagePolicyTraining): Map<string, Float32Array> {
  const normals = new Normals(1);
  return new Map(
    parameters.map(({ name, shape }) => {
      const count = shape.reduce((product, size) => product * size, 1);
      const fan = shape.slice(1).reduce((product, size) => product * size, 1);
      return [
        name,
        shape.length === 1 && name.endsWith('weight')
          ? normals.floats(count, 0.1).map((v) => 1 + v)
          : normals.floats(count, 1 / Math.sqrt(fan)),
      ];
    }),
  );
}

/** Millions of values: a deep comparison would take minutes. */
function sameBits(a: Tensors, b: Tensors): boolean {
  const bytes = (values: Float32Array | undefined): Uint8Array =>
    values ? new Uint8Array(values.buffer, values.byteOffset, values.byteLength) : new Uint8Array(0);
  return a.size === b.size && [...a].every(([name, values]) => Buffer.compare(bytes(values), bytes(b.get(name))) === 0);
}

const largest = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

describe.each([false, true])('a policy with two cameras, an encoder for each: %s', (isSeparate) => {
  async function train(work: (training: ImagePolicyTraining) => Promise<void>): Promise<void> {
    const training = await ImagePolicyTraining.create(device(), optionsOf(isSeparate));
    try {
      training.write('weights', weightsOf(training));
      await work(training);
    } finally {
      training.dispose();
    }
  }

  it('trains with the same bits twice; every encoder learns from its own camera', { timeout: 300_000 }, async () => {
    const gradients = async (training: ImagePolicyTraining, batch: ImagePolicyBatch): Promise<Tensors> => {
      training.run(batch, null);
      return training.read('gradients');
    };
    await train(async (training) => {
      const first = await gradients(training, batchOf([1, 2]));
      expect(sameBits(await gradients(training, batchOf([1, 2])), first), 'same bits').toBe(true);
      const finite = [...first].filter(([, values]) => !(largest(values) > 0 && Number.isFinite(largest(values)))).map(([name]) => name);
      // The bias of keypoint maps has no gradient; rounding may leave exactly 0.
      expect(finite.filter((name) => !name.endsWith('pool.nets.bias'))).toEqual([]);
      const moved = await gradients(training, batchOf([1, 3]));
      const stem = (tensors: Tensors, prefix: string): Float32Array =>
        tensors.get(`diffusion.rgb_encoder.${prefix}backbone.0.weight`) as Float32Array;
      expect(stem(moved, isSeparate ? '1.' : '')).not.toEqual(stem(first, isSeparate ? '1.' : ''));

      training.run(batchOf([1, 2]), UPDATE);
      const loss = (await training.metrics()).loss;
      for (let step = 2; step < 8; step++) training.run(batchOf([1, 2]), { ...UPDATE, stepNumber: step });
      expect((await training.metrics()).loss, 'the loss of a batch that is seen again and again').toBeLessThan(0.9 * loss);
    });
  });

  it('does not see pictures past a short batch', { timeout: 300_000 }, async () => {
    await train(async (training) => {
      const short = batchOf([1, 2], 1);
      training.run(short, null);
      const { loss } = await training.metrics();
      const gradients = await training.read('gradients');
      const other = { ...short, pictures: short.pictures.map((own) => own.map((value, i) => (i < own.length / 2 ? value : 255 - value))) };
      training.run(other, null);
      expect((await training.metrics()).loss).toBe(loss);
      expect(sameBits(await training.read('gradients'), gradients), 'same bits').toBe(true);
    });
  });
});

describe('an image policy that cannot be trained', () => {
  it.each<[string, Partial<ImagePolicyTrainingOptions>]>([
    ['batchNorm must be one of', { batchNorm: 'none' as 'batch' }],
    ['1 frames of 11 values make 11, the network reads 19', { observations: OBSERVATIONS.slice(0, 2) }],
    ['batchSize: expected an integer from 1 on', { batchSize: 0 }],
    [
      'images: pictures are 40×44 after resize and crop, the encoder reads 36×40',
      { images: { ...optionsOf(false).images, crop: undefined } },
    ],
  ])('is refused: %s', async (message, change) => {
    await expect(ImagePolicyTraining.create(device(), { ...optionsOf(false), ...change })).rejects.toThrow(message);
  });
});
