import { readJsonObject } from '../../checkpoints/json-object.js';
import { ACTION } from '../../checkpoints/lerobot/features.js';
import { readPolicyConfig } from '../../checkpoints/lerobot/policy-config.js';
import { processorNormalization } from '../../checkpoints/lerobot/processors.js';
import { policyFiles, type WrittenPolicy } from '../../checkpoints/lerobot/write-policy.js';
import { observationFeatures } from '../../checkpoints/read-policy.js';
import { memorySource } from '../../checkpoints/source.js';
import type { Dataset } from '../../datasets/dataset.js';
import type { ImageInputs, ObservationFeature } from '../../spec/policy-spec.js';
import type { FramePart } from './frames.js';
import { actionNormalizer } from './normalize.js';
import type { WindowsSpec } from './unet-batches.js';

/** How a policy reads a data set. */
export interface PolicyWindows {
  /** Its frames are the vectors alone. */
  readonly spec: WindowsSpec;
  /** In the order of the conditioning vector. */
  readonly observations: readonly ObservationFeature[];
  readonly images: ImageInputs | undefined;
  /** Names in the data set that windows need. */
  readonly features: readonly string[];
}

/** Windows in the normalisation that the written files say: read from them, by what reads every policy. */
export async function policyWindows(dataset: Dataset, written: WrittenPolicy): Promise<PolicyWindows> {
  const { unet, observationSteps, scheduler, maskPadding, inputs } = written;
  const files = policyFiles(written);
  const source = memorySource('trained policy', Object.fromEntries(files));
  const config = await readPolicyConfig(await readJsonObject(await source.open('config.json')), []);
  const normalization = await processorNormalization(source, [...files.keys()], config.features, []);
  const observations = observationFeatures(config, normalization.observations);
  const frame = observations.flatMap((feature): FramePart[] => {
    const { kind, name, size, normalizer } = feature;
    return kind === 'vector' ? [{ name, size, normalizer }] : [];
  });
  return {
    spec: {
      dataset,
      frame,
      action: { name: ACTION, size: unet.actionDim, normalizer: actionNormalizer(normalization.action) },
      horizon: unet.horizon,
      observationSteps,
      timesteps: scheduler.numTrainTimesteps,
      maskPadding,
    },
    observations,
    images: config.images,
    features: [...inputs.map(({ name }) => name), ACTION],
  };
}
