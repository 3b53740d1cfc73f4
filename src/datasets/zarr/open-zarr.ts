import { type DataType, open, root, type Array as ZarrArray } from 'zarrita';
import { listed } from '../../checkpoints/source.js';
import { DatasetError } from '../../foundation/errors.js';
import type { DatasetFeature } from '../dataset.js';
import { type DatasetFiles, inDatasetWords } from '../files.js';
import { ArrayStore, episodesByEnds, type RowArray } from '../store/array-store.js';
import { BlockDataset } from '../store/block-dataset.js';
import { FilesStore, zarrRows } from './zarr-rows.js';

const EPISODE_ENDS = 'meta/episode_ends';
const DATA = /^data\/(.+)\/(?:\.zarray|zarr\.json)$/;
const MOST_EPISODES = 10_000_000;
const MOST_CHUNK_BYTES = 1024 * 1024 * 1024;
const MOST_SIDE = 16_384;

/** Whether a folder is a replay buffer of Diffusion Policy. */
export function isZarr(files: DatasetFiles): boolean {
  return ['.zarray', 'zarr.json'].some((file) => files.has(`${EPISODE_ENDS}/${file}`)) || files.has('.zgroup');
}

/**
 * A replay buffer of Diffusion Policy (diffusion_policy/common/replay_buffer.py): zarr arrays `data/NAME` of one row per frame and
 * `meta/episode_ends`, v2 or v3. Arrays [frames, height, width, 3] (or [frames, 3, height, width]) are pictures.
 * @throws DatasetError
 */
export async function openZarr(files: DatasetFiles, fps: number, cacheBytes: number): Promise<BlockDataset> {
  const store = new FilesStore(files);
  const ends = await episodeEnds(store);
  const frames = ends.at(-1) ?? 0;
  const episodes = episodesByEnds(EPISODE_ENDS, ends, frames);
  const features: DatasetFeature[] = [];
  const arrays = new Map<string, RowArray>();
  for (const name of files.below('data/').flatMap((path) => DATA.exec(path)?.[1] ?? [])) {
    const array = await openArray(store, `data/${name}`);
    const feature = featureOf(name, array, frames);
    features.push(feature);
    arrays.set(name, zarrRows(array, feature));
  }
  if (features.length === 0) {
    throw new DatasetError(
      `${files.name}: expected zarr arrays "data/NAME", found ${listed([...files.paths])}. Give the folder of the replay buffer.`,
    );
  }
  const facts = {
    name: files.name,
    format: 'zarr',
    fps,
    robot: null,
    features,
    episodes,
    missing: [],
    warnings: [],
    statistics: new Map(),
  };
  const segment = { from: 0, to: frames, arrays };
  return new BlockDataset(facts, new ArrayStore([segment], episodes, () => files.close()), {}, cacheBytes);
}

async function openArray(store: FilesStore, path: string): Promise<ZarrArray<DataType, FilesStore>> {
  const isBlosc = await checkMetadata(store, path);
  let array: ZarrArray<DataType, FilesStore>;
  try {
    array = await open(root(store).resolve(path), { kind: 'array' });
  } catch (cause) {
    if (cause instanceof DatasetError) throw cause;
    throw new DatasetError(`${path}: expected a zarr array, found: ${(cause as Error).message}. Export it again.`, { cause });
  }
  const { shape, chunks, dtype } = array;
  const isSound = [...shape, ...chunks].every((side) => Number.isSafeInteger(side) && side >= 0) && chunks.every((side) => side > 0);
  const bytes = chunks.reduce((product, side) => product * side, 8);
  if (!isSound || shape.length === 0 || shape.length !== chunks.length || bytes > MOST_CHUNK_BYTES) {
    throw new DatasetError(
      `${path}: expected an array in chunks of at most ${MOST_CHUNK_BYTES / 8} values, found shape [${shape.join(', ')}] in chunks ` +
        `[${chunks.join(', ')}]. Export it again.`,
    );
  }
  if (!/^(u?int(8|16|32|64)|float(16|32|64)|bool)$/.test(dtype)) {
    throw new DatasetError(`${path}: expected numbers, found values of type ${dtype}. Export the array as float32.`);
  }
  if (isBlosc) store.expectBlosc(path, (bytes / 8) * bytesPerValue(dtype));
  return array;
}

/** float32 → 4; a boolean takes a byte. */
function bytesPerValue(dtype: string): number {
  return dtype === 'bool' ? 1 : Number(dtype.replace(/\D/g, '')) / 8;
}

/**
 * Holds what zarrita trusts to be there, and says whether blosc makes the chunks and nothing comes after it.
 * @throws DatasetError naming the key.
 */
async function checkMetadata(store: FilesStore, path: string): Promise<boolean> {
  const metadata = await store.metadata(path);
  return inDatasetWords(() => {
    const sides = { min: 0, max: Number.MAX_SAFE_INTEGER };
    const { length } = metadata.integers('shape', sides);
    if (metadata.value('zarr_format') === 2) {
      if (metadata.integers('chunks', { ...sides, min: 1 }).length !== length) metadata.fail('chunks', 'as many sides as the shape has');
      metadata.string('dtype');
      metadata.choice('order', ['C', 'F'], 'C');
      if (!metadata.isNull('filters') && metadata.objects('filters').length > 0) metadata.fail('filters', 'null: filters are not read');
      return !metadata.isNull('compressor') && metadata.object('compressor').value('id') === 'blosc';
    }
    const grid = metadata.object('chunk_grid').object('configuration');
    if (grid.integers('chunk_shape', { ...sides, min: 1 }).length !== length) grid.fail('chunk_shape', 'as many sides as the shape has');
    return metadata.objects('codecs').at(-1)?.value('name') === 'blosc';
  });
}

async function episodeEnds(store: FilesStore): Promise<number[]> {
  const array = await openArray(store, EPISODE_ENDS);
  const [length = 0] = array.shape;
  if (array.shape.length !== 1 || length === 0 || length > MOST_EPISODES) {
    throw new DatasetError(
      `${EPISODE_ENDS}: expected one row number per episode, found shape [${array.shape.join(', ')}]. Export it again.`,
    );
  }
  const feature: DatasetFeature = { name: EPISODE_ENDS, kind: 'vector', dtype: array.dtype, shape: [1], size: 1, names: null };
  const rows = zarrRows(array, feature);
  const ends: number[] = [];
  try {
    for (let from = 0; from < length; from += rows.blockRows) {
      ends.push(...(await rows.readNumbers(from, Math.min(from + rows.blockRows, length))));
    }
  } catch (cause) {
    throw new DatasetError(`${EPISODE_ENDS}: cannot be read: ${(cause as Error).message}. Copy or download it again.`, { cause });
  }
  return ends;
}

function featureOf(name: string, { shape: [rows, ...shape], dtype }: ZarrArray<DataType, FilesStore>, frames: number): DatasetFeature {
  if (rows !== frames) {
    throw new DatasetError(
      `data/${name}: expected ${frames} rows, as many as ${EPISODE_ENDS} says, found ${rows}. The copy is incomplete: copy or download it again.`,
    );
  }
  const [a = 0, b = 0, c = 0] = shape;
  if (shape.length === 3 && (a === 3 || c === 3) && (dtype === 'uint8' || dtype === 'float32' || dtype === 'float64')) {
    const [height, width] = c === 3 ? [a, b] : [b, c];
    if (!(height > 0 && width > 0 && height <= MOST_SIDE && width <= MOST_SIDE)) {
      throw new DatasetError(`data/${name}: expected pictures of at most ${MOST_SIDE} pixels a side, found ${height} × ${width}.`);
    }
    return { name, kind: 'image', dtype, shape: [height, width, 3], size: height * width * 3, names: null };
  }
  const size = shape.reduce((product, side) => product * side, 1);
  if (!(size > 0 && size <= 1 << 24))
    throw new DatasetError(`data/${name}: expected 1 to ${1 << 24} numbers per row, found [${shape.join(', ')}].`);
  return { name, kind: 'vector', dtype, shape: shape.length === 0 ? [1] : shape, size, names: null };
}
