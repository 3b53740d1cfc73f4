import { CheckpointError } from '../../foundation/errors.js';
import type { PolicyFeatures } from '../lerobot/features.js';
import { scaleOffsetNormalizer, scaleOffsetUnnormalizer } from '../lerobot/normalizers.js';
import { warnOfOddScales } from '../lerobot/odd-statistics.js';
import { type PolicyNormalization, readStatistic } from '../lerobot/statistics.js';
import type { StoredNames } from '../lerobot/tensor-names.js';
import type { SafetensorsFile } from '../safetensors/safetensors.js';
import { PREFIX } from './normalizer-names.js';

interface ScaleOffset {
  readonly scale: Float32Array;
  readonly offset: Float32Array;
}

/**
 * Statistics of Diffusion Policy's LinearNormalizer, `normalizer.params_dict.<key>.{scale,offset}`. A feature is found
 * under its full name, under the last part of it, or inside `obs`, which covers all features in conditioning order.
 */
export async function diffusionPolicyNormalization(
  file: SafetensorsFile,
  names: StoredNames,
  features: PolicyFeatures,
  warnings: string[],
): Promise<PolicyNormalization> {
  const read = async (keys: readonly string[], size: number): Promise<ScaleOffset | undefined> => {
    const key = keys.find((candidate) => names.has(`${PREFIX}${candidate}.scale`));
    if (key === undefined) return undefined;
    const vector = { size, sides: undefined };
    const scale = names.get(`${PREFIX}${key}.scale`)!;
    const offset = names.get(`${PREFIX}${key}.offset`) ?? `${PREFIX}${key}.offset`;
    return { scale: await readStatistic(file, scale, vector), offset: await readStatistic(file, offset, vector) };
  };
  const total = features.observations.reduce((sum, feature) => sum + feature.size, 0);
  const observations = [];
  let start = 0;
  for (const { name, size } of features.observations) {
    const lastPart = name.slice(name.lastIndexOf('.') + 1);
    const own = await read([name, lastPart], size);
    const found = own ?? slice(await read(['obs'], total), start, size) ?? missing(file, [name, lastPart, 'obs']);
    warnOfOddScales(found.scale, `${file.name}, scale of "${name}"`, warnings);
    observations.push({ rawName: name, normalizer: scaleOffsetNormalizer(found.scale, found.offset) });
    start += size;
  }
  const action = (await read(['action'], features.action.size)) ?? missing(file, ['action']);
  const where = `${file.name}, tensor "${PREFIX}action.scale"`;
  warnOfOddScales(action.scale, where, warnings);
  return { observations, action: scaleOffsetUnnormalizer(action.scale, action.offset, where) };
}

function slice(all: ScaleOffset | undefined, start: number, size: number): ScaleOffset | undefined {
  return all && { scale: all.scale.slice(start, start + size), offset: all.offset.slice(start, start + size) };
}

function missing(file: SafetensorsFile, keys: readonly string[]): never {
  throw new CheckpointError(
    `${file.name}: expected normaliser statistics under "${PREFIX}<key>.scale" with <key> ` +
      `${keys.map((key) => `"${key}"`).join(' or ')}, found none. Export the checkpoint with its normaliser.`,
  );
}
