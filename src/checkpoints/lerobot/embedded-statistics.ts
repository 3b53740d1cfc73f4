import { UnsupportedCheckpointError } from '../../foundation/errors.js';
import type { SafetensorsFile } from '../safetensors/safetensors.js';
import type { FileFeature, PolicyFeatures } from './features.js';
import { identityNormalizer, identityUnnormalizer, MODES, normalizerFrom, type Statistics, unnormalizerFrom } from './normalizers.js';
import { warnOfOddStatistics } from './odd-statistics.js';
import { missingStatistics, type PolicyNormalization, readStatistic } from './statistics.js';
import type { StoredNames } from './tensor-names.js';

/** LeRobot up to v0.3.3 used this epsilon everywhere (policies/normalize.py). */
const EPS = 1e-8;

/**
 * Statistics of dialects A and B, which lie in the model file as
 * `normalize_inputs.buffer_<feature with underscores>.<statistic>`. The pair that exists says which mode applies.
 */
export async function embeddedNormalization(
  file: SafetensorsFile,
  names: StoredNames,
  features: PolicyFeatures,
  warnings: string[],
): Promise<PolicyNormalization> {
  const observations = [];
  for (const feature of features.observations) {
    const statistics = await readPair(file, names, 'normalize_inputs', feature);
    if (statistics !== undefined) warnOfOddStatistics(statistics, 'observation', warnings);
    const normalizer = statistics === undefined ? identityNormalizer(feature.size) : normalizerFrom(statistics);
    observations.push({ rawName: feature.name, normalizer });
  }
  const statistics = await readPair(file, names, 'unnormalize_outputs', features.action);
  if (statistics !== undefined) warnOfOddStatistics(statistics, 'action', warnings);
  const action = statistics === undefined ? identityUnnormalizer(features.action.size) : unnormalizerFrom(statistics);
  return { observations, action };
}

async function readPair(file: SafetensorsFile, names: StoredNames, group: string, feature: FileFeature): Promise<Statistics | undefined> {
  // Feature to tensor, never back: underscores in the tensor's name may stand for dots or for themselves.
  const buffer = `${group}.buffer_${feature.name.replaceAll('.', '_')}`;
  const present = ['MIN_MAX', 'MEAN_STD'].filter((key) => MODES.get(key)!.pair.some((stat) => names.has(`${buffer}.${stat}`)));
  const wanted = feature.mode ?? 'IDENTITY';
  if (present.length === 0 && wanted === 'IDENTITY') return undefined;
  const key = present.length === 1 ? present[0]! : wanted;
  const found = MODES.get(key);
  const where = `${file.name}, "${buffer}"`;
  if (found === undefined) {
    throw new UnsupportedCheckpointError(
      `${where}: expected a normalisation mode ${[...MODES.keys()].join(', ')} in config.json, ` +
        `found "${key}", which is not supported. Train a policy with one of these.`,
    );
  }
  const [firstName, secondName] = found.pair.map((stat) => names.get(`${buffer}.${stat}`));
  if (firstName === undefined || secondName === undefined) missingStatistics(where, feature.name, key, found.pair);
  const first = await readStatistic(file, firstName, feature);
  const second = await readStatistic(file, secondName, feature);
  return { mode: found.mode, first, second, eps: EPS, epsAdded: true, where };
}
