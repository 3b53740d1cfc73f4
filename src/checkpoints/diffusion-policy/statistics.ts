import { CheckpointError } from '../../foundation/errors.js';
import type { FileFeature, PolicyFeatures } from '../lerobot/features.js';
import { scaleOffsetNormalizer, scaleOffsetUnnormalizer } from '../lerobot/normalizers.js';
import { warnOfOddScales } from '../lerobot/odd-statistics.js';
import { type PolicyNormalization, readStatistic } from '../lerobot/statistics.js';
import type { StoredNames } from '../lerobot/tensor-names.js';
import type { SafetensorsFile } from '../safetensors/safetensors.js';
import { keysOf } from './keys.js';
import { PREFIX } from './normalizer-names.js';

interface ScaleOffset {
  readonly scale: Float32Array;
  readonly offset: Float32Array;
}

/**
 * Statistics of Diffusion Policy's LinearNormalizer, `normalizer.params_dict.<key>.{scale,offset}`. A feature is found under the keys that
 * config.json gives it, one after the other, under its full name, under the last part of it, or inside `obs`, which covers all
 * features in conditioning order. The channels of an image may share one scale.
 */
export async function diffusionPolicyNormalization(
  file: SafetensorsFile,
  names: StoredNames,
  features: PolicyFeatures,
  warnings: string[],
): Promise<PolicyNormalization> {
  const has = (key: string): boolean => names.has(`${PREFIX}${key}.scale`);
  const readVector = async (key: string, part: string, size: number): Promise<Float32Array> => {
    const name = `${PREFIX}${key}.${part}`;
    return readStatistic(file, names.get(name) ?? name, { size, sides: undefined });
  };
  const readKey = async (key: string, size: number): Promise<ScaleOffset> => ({
    scale: await readVector(key, 'scale', size),
    offset: await readVector(key, 'offset', size),
  });
  const read = async (keys: readonly string[], size: number): Promise<ScaleOffset | undefined> => {
    const key = keys.find(has);
    return key === undefined ? undefined : readKey(key, size);
  };
  /** How many values a key has, as its tensor says. */
  const sizeOf = (key: string): number => file.tensors.get(names.get(`${PREFIX}${key}.scale`) as string)?.shape.at(-1) ?? 1;
  const readParts = async (feature: FileFeature, keys: readonly string[]): Promise<ScaleOffset> => {
    const absent = keys.find((key) => !has(key));
    if (absent !== undefined) return missing(file, [absent]);
    const sizes = keys.map(sizeOf);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (total !== feature.size) {
      throw new CheckpointError(
        `${file.name}: the keys ${keys.map((key) => `"${key}"`).join(', ')} of feature "${feature.name}" must have its ${feature.size} values ` +
          `together, found ${sizes.join(' + ')} = ${total}. Name all of its parts in "keys" of config.json, in the order of shape_meta.`,
      );
    }
    const parts = await inTurn(keys, (key, i) => readKey(key, sizes[i] as number));
    return { scale: joined(parts.map(({ scale }) => scale)), offset: joined(parts.map(({ offset }) => offset)) };
  };
  const readFeature = async (feature: FileFeature, start: number): Promise<ScaleOffset> => {
    const { size, sides, keys } = feature;
    if (sides !== undefined) {
      const key = keysOf(feature).find(has);
      if (key === undefined) return missing(file, keysOf(feature));
      const { scale, offset } = await readKey(key, sizeOf(key) === 1 ? 1 : size);
      return { scale: spread(scale, size), offset: spread(offset, size) };
    }
    if (keys !== undefined && keys.length > 0) return readParts(feature, keys);
    return (
      (await read(keysOf(feature), size)) ?? slice(await read(['obs'], total), start, size) ?? missing(file, [...keysOf(feature), 'obs'])
    );
  };
  const total = features.observations.reduce((sum, feature) => sum + feature.size, 0);
  const observations = [];
  let start = 0;
  for (const feature of features.observations) {
    const found = await readFeature(feature, start);
    warnOfOddScales(found.scale, `${file.name}, scale of "${feature.name}"`, warnings);
    observations.push({ rawName: feature.name, normalizer: scaleOffsetNormalizer(found.scale, found.offset) });
    start += feature.size;
  }
  const action = (await read(['action'], features.action.size)) ?? missing(file, ['action']);
  const where = `${file.name}, tensor "${PREFIX}action.scale"`;
  warnOfOddScales(action.scale, where, warnings);
  return { observations, action: scaleOffsetUnnormalizer(action.scale, action.offset, where) };
}

/** One after the other: what reads a file hands out a buffer that the next read overwrites. */
async function inTurn<A, B>(list: readonly A[], each: (item: A, index: number) => Promise<B>): Promise<B[]> {
  const results: B[] = [];
  for (const [index, item] of list.entries()) results.push(await each(item, index));
  return results;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

function spread(values: Float32Array, size: number): Float32Array {
  return values.length === size ? values : new Float32Array(size).fill(values[0] as number);
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
