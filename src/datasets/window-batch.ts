import { OptionError } from '../foundation/errors.js';
import { checkInteger, checkKeys, checkList, checkNumber, checkObject, checkText, keysOf } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';
import type { Normalizer } from '../spec/policy-spec.js';
import type { Dataset, DatasetFeature, PictureData } from './dataset.js';
import { checkDataset, episodeOf, type WindowLengths } from './windows.js';

/** What a batch consists of. */
export interface WindowSpec extends WindowLengths {
  /** Names of vectors, in the order of the conditioning. */
  readonly observations: readonly string[];
  /** Names of cameras. Default: none. */
  readonly pictures?: readonly string[];
  /** Name of the vector that a policy learns. Default `action`. */
  readonly action?: string;
  /** By feature; one that is left out stays as recorded. */
  readonly normalizers?: ReadonlyMap<string, Normalizer>;
}

const SPEC_KEYS = keysOf<WindowSpec>({
  horizon: true,
  observationSteps: true,
  observations: true,
  pictures: true,
  action: true,
  normalizers: true,
});

/** Windows around B anchors. */
export interface WindowBatch {
  /** B. */
  readonly count: number;
  /** By feature, f32 [B][To][size]. */
  readonly observations: ReadonlyMap<string, Float32Array>;
  /** By camera, B × To pictures. */
  readonly pictures: ReadonlyMap<string, readonly PictureData[]>;
  /** [B][To], 1: before the episode, so a copy of its first row. */
  readonly observationIsPad: Uint8Array;
  /** f32 [B][H][D]. */
  readonly actions: Float32Array;
  /** [B][H], 1: outside the episode, so a copy of its first or last row. */
  readonly actionIsPad: Uint8Array;
  /** Rows of the anchor frames. */
  readonly anchors: Int32Array;
}

/** Rows around anchors, as `readAround` returns them. */
export interface RowsAround {
  /** f32 [anchors][count][size]. */
  readonly values: Float32Array;
  /** [anchors][count], 1: outside the episode, so a copy of its first or last row. */
  readonly isPad: Uint8Array;
  /** [anchors][count]: the row that the values are of. */
  readonly rows: Int32Array;
}

/**
 * Rows [anchor + first, anchor + first + count) of a vector for every anchor. A row outside the episode is the nearest one inside, and
 * marked: padding repeats the first or last row and never crosses into a neighbour (LeRobot `dataset_reader.py`). An action window
 * is (1 − To, H), an observation window (1 − To, To); the window of the decision before, E ticks earlier, is (1 − To − E, H).
 * @throws OptionError; DatasetError as `readRows`.
 */
export async function readAround(
  dataset: Dataset,
  feature: string,
  anchorRows: ArrayLike<number>,
  first: number,
  count: number,
  normalizer?: Normalizer,
): Promise<RowsAround> {
  const where = 'readAround';
  checkDataset(where, dataset);
  const { size } = vectorNamed(where, dataset, feature);
  const wanted = checkAnchors(where, dataset, anchorRows);
  checkInteger(where, 'first', first, -1_000_000, 1_000_000);
  checkInteger(where, 'count', count, 1, 1_000_000);
  if (normalizer !== undefined) checkNormalizer(where, feature, size, normalizer);
  const length = wanted.length;
  const { isPad, rows } = rowsAround(dataset, wanted, first, count);
  const values = new Float32Array(length * count * size);
  // In the order of rows, so that a block that is read once serves all windows in it.
  for (const at of ascending(wanted)) {
    const window = rows.subarray(at * count, (at + 1) * count);
    const [from, to] = [window[0] as number, (window[count - 1] as number) + 1];
    const read = await dataset.readRows(feature, from, to);
    for (let k = 0; k < count; k++) {
      const row = ((window[k] as number) - from) * size;
      values.set(read.subarray(row, row + size), (at * count + k) * size);
    }
  }
  if (normalizer !== undefined) normalizeRows(values, normalizer);
  return { values, isPad, rows };
}

/**
 * The windows of a batch: observations of frames t − To + 1 … t, actions of t − To + 1 … t − To + H, for every anchor t.
 * @throws OptionError; DatasetError as `readRows`.
 */
export async function readWindows(dataset: Dataset, spec: WindowSpec, anchorRows: ArrayLike<number>): Promise<WindowBatch> {
  const where = 'readWindows';
  checkDataset(where, dataset);
  checkSpec(where, dataset, spec);
  const wanted = checkAnchors(where, dataset, anchorRows);
  const { horizon, observationSteps, observations, pictures = [], action = 'action', normalizers } = spec;
  const first = 1 - observationSteps;
  const actions = await readAround(dataset, action, wanted, first, horizon, normalizers?.get(action));
  const values = new Map<string, Float32Array>();
  for (const name of observations) {
    values.set(name, (await readAround(dataset, name, wanted, first, observationSteps, normalizers?.get(name))).values);
  }
  const { rows, isPad } = rowsAround(dataset, wanted, first, observationSteps);
  const seen = new Map<string, readonly PictureData[]>();
  for (const name of pictures) {
    const window = new Array<PictureData>(rows.length);
    for (const at of ascending(rows)) window[at] = await dataset.readPicture(name, rows[at] as number);
    seen.set(name, window);
  }
  return {
    count: wanted.length,
    observations: values,
    pictures: seen,
    observationIsPad: isPad,
    actions: actions.values,
    actionIsPad: actions.isPad,
    anchors: wanted,
  };
}

/** y = (x − subtract) / divide · multiply + add, in f32 as on the device. `values` [rows][size] are changed. @throws OptionError */
export function normalizeRows(values: Float32Array, normalizer: Normalizer): void {
  if (!(values instanceof Float32Array))
    throw new OptionError(`normalizeRows: values must be a Float32Array, found ${shownValue(values)}.`);
  const { subtract, divide, multiply, add } = checkObject('normalizeRows', 'a normalizer', normalizer) as Normalizer;
  const size = subtract instanceof Float32Array ? subtract.length : 0;
  checkNormalizer('normalizeRows', 'values', size, normalizer);
  const f = Math.fround;
  for (let i = 0; i < values.length; i++) {
    const k = i % size;
    const scaled = f(f((values[i] as number) - (subtract[k] as number)) / (divide[k] as number));
    values[i] = f(f(scaled * (multiply[k] as number)) + (add[k] as number));
  }
}

function rowsAround(dataset: Dataset, anchorRows: Int32Array, first: number, count: number): Pick<RowsAround, 'isPad' | 'rows'> {
  const isPad = new Uint8Array(anchorRows.length * count);
  const rows = new Int32Array(anchorRows.length * count);
  anchorRows.forEach((anchor, i) => {
    const { from, to } = episodeOf(dataset, anchor);
    for (let k = 0; k < count; k++) {
      const row = anchor + first + k;
      const inside = Math.min(Math.max(row, from), to - 1);
      rows[i * count + k] = inside;
      isPad[i * count + k] = inside === row ? 0 : 1;
    }
  });
  return { isPad, rows };
}

/** Indices of the values in ascending order of these. */
function ascending(values: Int32Array): Uint32Array {
  return Uint32Array.from(values, (_, i) => i).sort((a, b) => (values[a] as number) - (values[b] as number));
}

export function checkAnchors(where: string, dataset: Dataset, rows: ArrayLike<number>): Int32Array {
  const given = typeof rows === 'object' && rows !== null ? (rows as Partial<ArrayLike<unknown>>) : {};
  const { length } = given;
  if (typeof length !== 'number' || !Number.isInteger(length) || length < 0 || length > dataset.frames) {
    throw new OptionError(`${where}: anchors must be at most ${dataset.frames} rows of the data set, found ${shownValue(rows)}.`);
  }
  const copy = new Int32Array(length);
  for (let i = 0; i < length; i++) copy[i] = checkInteger(where, `anchor ${i}`, given[i], 0, Math.max(0, dataset.frames - 1));
  return copy;
}

function vectorNamed(where: string, dataset: Dataset, name: unknown): DatasetFeature {
  const feature = dataset.features.find((candidate) => candidate.name === name && candidate.kind === 'vector');
  if (feature !== undefined) return feature;
  const known = dataset.features.flatMap((candidate) => (candidate.kind === 'vector' ? [candidate.name] : []));
  throw new OptionError(`${where}: expected a vector of the data set (${known.join(', ')}), found ${shownValue(name)}.`);
}

export function checkSpec(where: string, dataset: Dataset, spec: WindowSpec): void {
  checkKeys(where, spec, SPEC_KEYS);
  const { horizon, observationSteps, observations, pictures, action = 'action', normalizers } = spec;
  checkInteger(where, 'horizon', horizon, 1, 65_536);
  checkInteger(where, 'observationSteps', observationSteps, 1, 65_536);
  checkList(where, 'observations', observations, (name) => vectorNamed(where, dataset, name), 1024);
  vectorNamed(where, dataset, checkText(where, 'action', action));
  if (pictures !== undefined) {
    checkList(where, 'pictures', pictures, (name) => {
      if (dataset.features.some((feature) => feature.name === name && feature.kind !== 'vector')) return;
      throw new OptionError(`${where}: the data set has no pictures under the name ${shownValue(name)}: see its features.`);
    });
  }
  if (normalizers === undefined) return;
  if (!(normalizers instanceof Map)) {
    throw new OptionError(`${where}: normalizers must be a Map by feature, found ${shownValue(normalizers)}.`);
  }
  for (const name of [...observations, action]) {
    const normalizer: unknown = normalizers.get(name);
    if (normalizer !== undefined) checkNormalizer(where, name, vectorNamed(where, dataset, name).size, normalizer);
  }
}

function checkNormalizer(where: string, feature: string, size: number, normalizer: unknown): void {
  const given = checkObject(where, 'a normalizer', normalizer) as Partial<Normalizer>;
  for (const key of ['subtract', 'divide', 'multiply', 'add'] as const) {
    const values: unknown = given[key];
    const found = values instanceof Float32Array ? values.length : NaN;
    checkNumber(where, `the normalizer's ${key} for "${feature}", by length,`, found, `${size}`, (length) => length === size);
  }
}
