import { DatasetError } from '../../foundation/errors.js';
import type { DatasetFeature } from '../dataset.js';
import type { DatasetFiles } from '../files.js';
import { ArrayStore, episodesByEnds, type RowArray } from '../store/array-store.js';
import { BlockDataset } from '../store/block-dataset.js';
import { blockRowsFor, floatsOf, readBytes } from '../store/raw-floats.js';

export const EPISODE_ENDS = 'episode_ends.i32';
const MOST_EPISODE_BYTES = 4 * 10_000_000;

/**
 * Plain arrays, as they come out of numpy's `tofile`: `NAME.f32` with the rows of every feature, little-endian, C order, and
 * `episode_ends.i32` with the row behind the last one of every episode. What a row is follows from the sizes.
 * @throws DatasetError
 */
export async function openArrays(files: DatasetFiles, fps: number, cacheBytes: number): Promise<BlockDataset> {
  const ends = await files.bytes(EPISODE_ENDS, MOST_EPISODE_BYTES);
  if (ends.length % 4 !== 0 || ends.length === 0) {
    throw new DatasetError(`${EPISODE_ENDS}: expected 32-bit integers, one for each episode, found ${ends.length} bytes. Export it again.`);
  }
  const view = new DataView(ends.buffer);
  const list = Array.from({ length: ends.length / 4 }, (_, i) => view.getInt32(4 * i, true));
  const frames = list.at(-1) as number;
  const episodes = episodesByEnds(EPISODE_ENDS, list, frames);
  const features: DatasetFeature[] = [];
  const arrays = new Map<string, RowArray>();
  for (const path of files.below('').filter((name) => name.endsWith('.f32') && !name.includes('/'))) {
    const file = await files.open(path);
    const size = file.size / 4 / frames;
    if (!(Number.isInteger(size) && size > 0)) {
      throw new DatasetError(
        `${path}: expected ${frames} rows of as many float32 each, as many rows as ${EPISODE_ENDS} says, found ${file.size} bytes. ` +
          'It is truncated, or belongs to other episodes: export both again.',
      );
    }
    const name = path.slice(0, -'.f32'.length);
    features.push({ name, kind: 'vector', dtype: 'float32', shape: [size], size, names: null });
    arrays.set(name, {
      blockRows: blockRowsFor(4 * size),
      file: () => path,
      readVectors: async (from, to) => floatsOf(await readBytes(file, from * size * 4, (to - from) * size * 4)),
    });
  }
  const facts = {
    name: files.name,
    format: 'arrays',
    fps,
    robot: null,
    features,
    episodes,
    missing: [],
    warnings: [],
    statistics: new Map(),
  };
  const store = new ArrayStore([{ from: 0, to: frames, arrays }], episodes, () => files.close());
  return new BlockDataset(facts, store, {}, cacheBytes);
}
