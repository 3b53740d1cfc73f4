import { OptionError } from '../../foundation/errors.js';
import { checkInteger, checkKeys, checkList, checkText, keysOf } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import type { Dataset, DatasetFeature } from '../dataset.js';

/** A feature of the data set that is written, made of one that is read. */
export interface FeatureMapping {
  /** As it will be called, e.g. `observation.state`. */
  readonly name: string;
  /** As it is called in the source. */
  readonly from: string;
  /** Of a vector: its first dimension that is taken. Default 0. */
  readonly first?: number;
  /** Of a vector: dimensions that are taken. Default: all from `first` on. */
  readonly count?: number;
  /** Names of the dimensions. Default: those of the source where all are taken, else none. */
  readonly names?: readonly string[];
  /** Of a vector: makes another one of `size` numbers of what was taken of a frame. */
  readonly compute?: { readonly size: number; readonly row: (values: Float32Array) => ArrayLike<number> };
}

const KEYS = keysOf<FeatureMapping>({ name: true, from: true, first: true, count: true, names: true, compute: true });
const NAME = /^[A-Za-z0-9_][\w.-]{0,199}$/;

/** A mapping that fits the data set. */
export interface CheckedMapping {
  readonly source: DatasetFeature;
  readonly target: DatasetFeature;
  readonly first: number;
  readonly count: number;
  readonly compute: FeatureMapping['compute'];
}

/** Default: every feature under its own name. @throws OptionError */
export function checkMappings(where: string, dataset: Dataset, mappings: readonly FeatureMapping[] | undefined): CheckedMapping[] {
  const chosen = mappings === undefined ? dataset.features.map(({ name }) => ({ name, from: name })) : mappings;
  const checked: CheckedMapping[] = [];
  checkList(where, 'features', chosen, (mapping) => {
    const one = checkMapping(where, dataset, mapping);
    if (checked.some(({ target }) => target.name === one.target.name)) {
      throw new OptionError(`${where}: expected features with names of their own, found "${one.target.name}" twice.`);
    }
    checked.push(one);
  });
  if (checked.length === 0) throw new OptionError(`${where}: expected at least one feature, found none.`);
  return checked;
}

function checkMapping(where: string, dataset: Dataset, mapping: FeatureMapping): CheckedMapping {
  checkKeys(where, mapping, KEYS);
  const { name, from, compute, names } = mapping;
  if (!NAME.test(checkText(where, 'the name of a feature', name))) {
    throw new OptionError(`${where}: a feature's name must be letters, digits, "_", "-" and ".", found ${shownValue(name)}.`);
  }
  const source = dataset.features.find((feature) => feature.name === from);
  if (source === undefined) {
    const known = dataset.features.map((feature) => feature.name).join(', ');
    throw new OptionError(`${where}: expected one of the features ${known} for "${name}", found ${shownValue(from)}.`);
  }
  if (source.kind !== 'vector') {
    if (mapping.first !== undefined || mapping.count !== undefined || compute !== undefined) {
      throw new OptionError(`${where}: "${name}" is made of pictures, which are taken whole: leave out its dimensions.`);
    }
    const [height, width] = source.shape as [number, number];
    const target: DatasetFeature = { ...source, name, kind: 'image', dtype: 'image', shape: [height, width, 3], size: height * width * 3 };
    return { source, target, first: 0, count: target.size, compute: undefined };
  }
  const first = checkInteger(
    where,
    `the first dimension of "${name}"`,
    mapping.first === undefined ? 0 : mapping.first,
    0,
    source.size - 1,
  );
  const rest = source.size - first;
  const count = checkInteger(where, `the dimensions of "${name}"`, mapping.count === undefined ? rest : mapping.count, 1, rest);
  if (compute !== undefined) checkKeys(where, compute, ['size', 'row']);
  const size = compute === undefined ? count : checkInteger(where, `the size of "${name}"`, compute.size, 1, 1 << 24);
  const own = count === source.size && compute === undefined ? source.names : null;
  if (names !== undefined) {
    checkList(where, `the names of "${name}"`, names, (text) => checkText(where, 'a name', text));
    checkInteger(where, `the number of names of "${name}"`, names.length, size, size);
  }
  const target: DatasetFeature = { name, kind: 'vector', dtype: 'float32', shape: [size], size, names: names ?? own };
  return { source, target, first, count, compute };
}

/** Rows [from, to) of a vector as they are written. */
export async function mappedRows(dataset: Dataset, mapping: CheckedMapping, from: number, to: number): Promise<Float32Array> {
  const { source, target, first, count, compute } = mapping;
  const rows = await dataset.readRows(source.name, from, to);
  if (count === source.size && compute === undefined) return rows;
  const mapped = new Float32Array((to - from) * target.size);
  for (let row = 0; row < to - from; row++) {
    const taken = rows.subarray(row * source.size + first, row * source.size + first + count);
    mapped.set(compute === undefined ? taken : compute.row(taken), row * target.size);
  }
  return mapped;
}
