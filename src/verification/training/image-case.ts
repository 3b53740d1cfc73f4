import { loadPolicyCheckpoint } from '../../checkpoints/read-policy.js';
import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import { CheckpointError } from '../../foundation/errors.js';
import { imageEncoderParameters } from '../../training/image-encoder/parameters.js';
import type { ImagePolicyBatch } from '../../training/image-policy/batch.js';
import { ImagePolicyTraining } from '../../training/image-policy/image-policy-training.js';
import { initialTensors } from '../../training/loop/initial-policy.js';
import { unetParameters } from '../../training/unet/parameters.js';
import { toChannelsFirst } from '../compare.js';
import type { GoldenCase } from '../golden-case.js';
import type { TrainingDescription } from './description.js';
import { formulaPolicy, hasFormula } from './formula-policy.js';
import {
  caseNetwork,
  checkParameters,
  type OpenTrainingCase,
  probedValues,
  TRAINING_TOLERANCES,
  trainedPrediction,
} from './training-network.js';

/**
 * The encoder is the most sensitive part: float32 PyTorch differs from float64 five times as much as in the U-Net. At given weights norms hold
 * the bound of all other cases. Those of later steps have a bound of their own: on the second batch of `train-image` the sign of one activation is
 * within float32's rounding, and Adam's first step is the sign of a gradient, also where that is rounding; PyTorch's own float32 is 1.0e-3 off by the third step
 * (docs/training.md, "How exact").
 */
const TOLERANCES = { ...TRAINING_TOLERANCES, gradient: 5e-4, change: 5e-2, laterNorm: 2e-3 };

/** Whether a case trains through cameras. */
export function hasPictures(golden: GoldenCase): boolean {
  return golden.names('input.observation.').some((name) => golden.isBytes(`input.observation.${name}`));
}

/** Training cases of a policy with images: encoder and U-Net together. */
export const openImageCase: OpenTrainingCase = async (golden, description, sources, device) => {
  await sources.predictor?.close();
  if (!sources.policy) throw new CheckpointError(`case "${golden.name}": expected a folder policy/, found none.`);
  const policy = hasFormula(golden) ? await formulaPolicy(golden, description, sources.policy) : sources.policy;
  const checkpoint = await loadPolicyCheckpoint(policy);
  try {
    const { unet: shape, scheduler, images, encoders, observations, observationSteps } = checkpoint;
    const predictionType = trainedPrediction(golden, scheduler);
    if (!images || !encoders) throw new CheckpointError(`case "${golden.name}": its policy reads no images, the case has pictures.`);
    const encoder = encoders.prefixes.flatMap((prefix) => imageEncoderParameters(images.encoder, prefix));
    checkParameters(golden, description, [...encoder, ...unetParameters(shape)]);
    const startWeights = await initialTensors(checkpoint, description.parameters);
    const statistics = description.statistics.length > 0 ? await initialTensors(checkpoint, description.statistics) : undefined;
    const batches = await recordedBatches(golden, description, checkpoint);
    const policyShape = { shape, schedule: scheduler, predictionType, observations, observationSteps, images };
    const options = { ...policyShape, batchSize: description.batch, layout: 'chw' } as const;
    const training = await ImagePolicyTraining.create(device, { ...options, ema: true });
    const batch = (step: number, isMasked: boolean): ImagePolicyBatch => {
      const found = batches[step] as ImagePolicyBatch;
      return isMasked ? found : { ...found, validity: null };
    };
    return caseNetwork(training, {
      tolerances: TOLERANCES,
      startWeights,
      statistics: training.statistics && { start: statistics ?? new Map(), of: training.statistics },
      evaluate: () => training.run(batch(0, false), null, { evaluates: true }),
      run: (step, isMasked, update) => training.run(batch(step, isMasked), update),
      inner: async (probes) => {
        const compiling = ImagePolicyTraining.create(device, { ...options, ema: false, probes });
        const found = await probedValues(compiling, startWeights, batch(0, false));
        return new Map([...found].map(([name, values]) => [name, innerValue(golden, name, values)]));
      },
    });
  } finally {
    await checkpoint.close();
  }
};

/** A probe as the case has it: maps are [b][c][places], keypoints and chunks [b][…]. */
function innerValue(golden: GoldenCase, name: string, values: Float32Array): Float32Array {
  const [batch = 1, channels = 1, ...places] = golden.shape(`expected.${name}`);
  const isMap = places.length > 0 && /activation\./.test(name) && !name.endsWith('.pool');
  const count = places.reduce((product, size) => product * size, 1);
  return isMap ? toChannelsFirst(values, batch, count, channels) : values;
}

/** The inputs of every step; all pictures of a step are cropped alike. */
async function recordedBatches(
  golden: GoldenCase,
  { batch, steps }: TrainingDescription,
  { observations, observationSteps }: PolicyCheckpoint,
): Promise<ImagePolicyBatch[]> {
  const slice = <T extends Float32Array | Uint8Array>(values: T, step: number): T => {
    const size = values.length / steps;
    return values.slice(step * size, (step + 1) * size) as T;
  };
  const read = async (name: string): Promise<Float32Array> => golden.values(name);
  const windows = batch * observationSteps;
  const vectors: { readonly size: number; readonly values: Float32Array }[] = [];
  const pictures: Uint8Array[] = [];
  for (const { kind, name, size } of observations) {
    if (kind === 'image') pictures.push((await golden.bytes(`input.${name}`)).slice());
    else vectors.push({ size, values: await read(`input.${name}`) });
  }
  const width = vectors.reduce((sum, { size }) => sum + size, 0);
  const [actions, noise, timesteps, padding] = await Promise.all(
    ['input.action', 'input.noise', 'input.timesteps', 'input.action_is_pad'].map(read),
  );
  const crops = recordedCrops(golden, steps);
  return Array.from({ length: steps }, (_, step): ImagePolicyBatch => {
    const joined = new Float32Array(windows * width);
    let first = 0;
    for (const { size, values } of vectors) {
      const own = slice(values, step);
      for (let frame = 0; frame < windows; frame++) joined.set(own.subarray(frame * size, (frame + 1) * size), frame * width + first);
      first += size;
    }
    const [top, left] = crops[step] as readonly [number, number];
    return {
      count: batch,
      vectors: joined,
      pictures: pictures.map((bytes) => slice(bytes, step)),
      crops: pictures.map(() => Int32Array.from({ length: 2 * windows }, (_value, index) => (index % 2 === 0 ? top : left))),
      actions: slice(actions as Float32Array, step),
      noise: slice(noise as Float32Array, step),
      timesteps: Int32Array.from(slice(timesteps as Float32Array, step)),
      validity: Uint8Array.from(slice(padding as Float32Array, step), (padded) => 1 - padded),
    };
  });
}

function recordedCrops(golden: GoldenCase, steps: number): (readonly [number, number])[] {
  const { crop } = golden.description as { readonly crop?: readonly { readonly top?: unknown; readonly left?: unknown }[] };
  return Array.from({ length: steps }, (_, step) => {
    const { top, left } = crop?.[step] ?? {};
    if (typeof top !== 'number' || typeof left !== 'number') {
      throw new CheckpointError(`case "${golden.name}": case.json: crop must have top and left for each of ${steps} steps.`);
    }
    return [top, left] as const;
  });
}
