import { loadPolicyCheckpoint } from '../../checkpoints/read-policy.js';
import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import { CheckpointError } from '../../foundation/errors.js';
import type { UNetBatch } from '../../training/training-step.js';
import { UNET_PREFIX, unetParameters } from '../../training/unet/parameters.js';
import { UNetTraining } from '../../training/unet/unet-training.js';
import { toChannelsFirst } from '../compare.js';
import type { GoldenCase } from '../golden-case.js';
import type { TrainingDescription } from './description.js';
import {
  caseNetwork,
  checkParameters,
  type OpenTrainingCase,
  probedValues,
  TRAINING_TOLERANCES,
  trainedPrediction,
} from './training-network.js';

/** Training cases of a policy without images: its U-Net. */
export const openUnetCase: OpenTrainingCase = async (golden, description, sources, device) => {
  if (!sources.policy) throw new CheckpointError(`case "${golden.name}": expected a folder policy/, found none.`);
  const checkpoint = await loadPolicyCheckpoint(sources.policy);
  try {
    if (checkpoint.images) {
      throw new CheckpointError(`case "${golden.name}": the training of image policies is not verified here; leave the case out.`);
    }
    const { unet: shape, scheduler } = checkpoint;
    const predictionType = trainedPrediction(golden, scheduler);
    checkParameters(golden, description, unetParameters(shape));
    const startWeights = new Map<string, Float32Array>();
    for (const { name } of description.parameters) {
      startWeights.set(name, (await checkpoint.weights.readFloats(name.replace(UNET_PREFIX, ''))).slice());
    }
    const batches = await recordedBatches(golden, description, checkpoint);
    const options = { shape, batchSize: description.batch, schedule: scheduler, predictionType, ema: true } as const;
    const training = await UNetTraining.create(device, options);
    const batch = (step: number, isMasked: boolean): UNetBatch => {
      const found = batches[step] as UNetBatch;
      return isMasked ? found : { ...found, validity: null };
    };
    return caseNetwork(training, {
      tolerances: TRAINING_TOLERANCES,
      startWeights,
      run: (step, isMasked, update) => training.run(batch(step, isMasked), update),
      inner: async (names) => {
        const probes = names.filter((name) => name !== 'global_cond');
        const compiling = UNetTraining.create(device, { ...options, ema: false, probes });
        const found = await probedValues(compiling, startWeights, batch(0, false));
        return new Map([...innerValues(golden, found), ['global_cond', (batches[0] as UNetBatch).conditioning]]);
      },
    });
  } finally {
    await checkpoint.close();
  }
};

/** Probes as the case has them: activations are [b][c][t], chunks [b][t][d]. */
function innerValues(golden: GoldenCase, found: ReadonlyMap<string, Float32Array>): [string, Float32Array][] {
  return [...found].map(([name, values]) => {
    const [batch = 1, channels = 1, length] = golden.shape(`expected.${name}`);
    const isMap = length !== undefined && /activation\./.test(name);
    return [name, isMap ? toChannelsFirst(values, batch, length, channels) : values];
  });
}

/** The inputs of every step, with padding as validity. */
async function recordedBatches(
  golden: GoldenCase,
  { batch, steps }: TrainingDescription,
  checkpoint: PolicyCheckpoint,
): Promise<UNetBatch[]> {
  const slices = async (name: string): Promise<Float32Array[]> => {
    const values = await golden.values(name);
    const size = values.length / steps;
    return Array.from({ length: steps }, (_, step) => values.slice(step * size, (step + 1) * size));
  };
  const features = await Promise.all(
    checkpoint.observations.map(async ({ name, size }) => ({ size, values: await slices(`input.${name}`) })),
  );
  const [actions, noise, timesteps, padding] = await Promise.all(
    ['input.action', 'input.noise', 'input.timesteps', 'input.action_is_pad'].map(slices),
  );
  const frames = batch * checkpoint.observationSteps;
  const width = features.reduce((sum, { size }) => sum + size, 0);
  return Array.from({ length: steps }, (_, step) => {
    const conditioning = new Float32Array(frames * width);
    let first = 0;
    for (const { size, values } of features) {
      const own = values[step] as Float32Array;
      for (let frame = 0; frame < frames; frame++) {
        conditioning.set(own.subarray(frame * size, (frame + 1) * size), frame * width + first);
      }
      first += size;
    }
    return {
      count: batch,
      conditioning,
      actions: actions?.[step] as Float32Array,
      noise: noise?.[step] as Float32Array,
      timesteps: Int32Array.from(timesteps?.[step] as Float32Array),
      validity: Uint8Array.from(padding?.[step] as Float32Array, (padded) => 1 - padded),
    };
  });
}
