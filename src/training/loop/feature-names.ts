import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import type { Dataset } from '../../datasets/dataset.js';
import { OptionError } from '../../foundation/errors.js';

/** What a data set calls what a policy reads and writes. */
export interface FeatureNames {
  /** By the name under which the policy's robot delivers an observation. */
  of(rawName: string): string;
  readonly action: string;
  /** All of them. */
  readonly all: readonly string[];
}

const ACTION = 'action';

/** Finds each observation of a policy in a data set, under the robot's name for it or the policy's own. @throws OptionError. */
export function featureNames(where: string, dataset: Dataset, { name: policy, observations, unet }: PolicyCheckpoint): FeatureNames {
  const names = new Map<string, string>();
  for (const { rawName, name, kind, size } of observations) {
    const found = dataset.features.find((feature) => feature.name === rawName) ?? dataset.features.find((feature) => feature.name === name);
    const fits = found && (kind === 'image' ? found.kind !== 'vector' : found.kind === 'vector' && found.size === size);
    if (!fits)
      throw unfit(where, dataset, `observation "${rawName}" of policy "${policy}", ${kind === 'image' ? 'pictures' : `${size} numbers`}`);
    names.set(rawName, found.name);
  }
  const action = dataset.features.find(
    (feature) => feature.name === ACTION && feature.kind === 'vector' && feature.size === unet.actionDim,
  );
  if (!action) throw unfit(where, dataset, `"${ACTION}", ${unet.actionDim} numbers as policy "${policy}" has them`);
  return { of: (rawName) => names.get(rawName) as string, action: ACTION, all: [...names.values(), ACTION] };
}

function unfit(where: string, dataset: Dataset, wanted: string): OptionError {
  const there = dataset.features.map(({ name, kind, size, shape }) => `${name} (${kind === 'vector' ? size : shape.join('×')})`);
  return new OptionError(
    `${where}: expected ${wanted} in the data set ${dataset.name}, found ${there.join(', ')}. Give the data set that the policy was trained on.`,
  );
}
