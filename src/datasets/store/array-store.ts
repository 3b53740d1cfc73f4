import { DatasetError } from '../../foundation/errors.js';
import type { DatasetEpisode, DatasetFeature, PictureData } from '../dataset.js';
import { episodeOf } from '../windows.js';
import type { RowBlock, RowStore, StoredPicture } from './row-store.js';

/** One feature of a segment: rows that are read in blocks of a fixed number, from the segment's first row on. */
export interface RowArray {
  /** Rows of a block. */
  readonly blockRows: number;
  /** Where the block that begins at a row of the segment lies, for messages. */
  file(from: number): string;
  /** Rows [from, to) of the segment, a whole block but for the last. Of a vector. */
  readonly readVectors?: (from: number, to: number) => Promise<Float32Array>;
  /** The same of pictures. */
  readonly readPictures?: (from: number, to: number) => Promise<readonly PictureData[]>;
}

/** Rows that lie together: a whole data set in arrays, or a recording of its own. */
export interface ArraySegment {
  readonly from: number;
  readonly to: number;
  readonly arrays: ReadonlyMap<string, RowArray>;
}

/** Rows in plain arrays, in segments that follow each other. */
export class ArrayStore implements RowStore {
  readonly #segments: readonly ArraySegment[];
  readonly #episodes: readonly DatasetEpisode[];
  readonly #close: () => Promise<void>;

  constructor(segments: readonly ArraySegment[], episodes: readonly DatasetEpisode[], close: () => Promise<void>) {
    this.#segments = segments;
    this.#episodes = episodes;
    this.#close = close;
  }

  async vectorBlock(feature: DatasetFeature, row: number): Promise<RowBlock<Float32Array>> {
    return this.#block(feature, row, async (array, from, to) => {
      const values = await array.readVectors?.(from, to);
      if (values?.length === (to - from) * feature.size) return values;
      throw new Error(`${values?.length} instead of ${(to - from) * feature.size} numbers`);
    });
  }

  async pictureBlock(feature: DatasetFeature, row: number): Promise<RowBlock<readonly StoredPicture[]>> {
    return this.#block(feature, row, async (array, from, to) => (await array.readPictures?.(from, to)) ?? []);
  }

  close(): Promise<void> {
    return this.#close();
  }

  #block<T>({ name }: DatasetFeature, row: number, read: (array: RowArray, from: number, to: number) => Promise<T>): RowBlock<T> {
    const number = this.#segments.findIndex(({ from, to }) => row >= from && row < to);
    const segment = this.#segments[number] as ArraySegment;
    const array = segment.arrays.get(name) as RowArray;
    const block = Math.floor((row - segment.from) / array.blockRows);
    const from = block * array.blockRows;
    const to = Math.min(from + array.blockRows, segment.to - segment.from);
    const file = array.file(from);
    const first = segment.from + from;
    return {
      key: `${name}\n${number}\n${block}`,
      from: first,
      to: segment.from + to,
      file,
      read: async () => {
        try {
          return await read(array, from, to);
        } catch (cause) {
          const episode = episodeOf({ episodes: this.#episodes }, first);
          throw new DatasetError(
            `${file}, episode ${episode.index}, from frame ${first - episode.from}: cannot read "${name}": ${(cause as Error).message}. ` +
              'It is truncated or damaged: copy or download it again.',
            { cause },
          );
        }
      },
    };
  }
}

/**
 * Episodes by the rows at which they end. `where` names the file.
 * @throws DatasetError for ends that do not increase, or that are not those of `frames` rows.
 */
export function episodesByEnds(where: string, ends: ArrayLike<number>, frames: number): DatasetEpisode[] {
  let from = 0;
  const episodes = Array.from(ends, (to, index): DatasetEpisode => {
    if (!(Number.isInteger(to) && to > from && to <= frames)) {
      throw new DatasetError(
        `${where}: episode ${index} must end after row ${from} and at most at ${frames}, found ${to}. Export the data set again.`,
      );
    }
    const episode = { index, from, to, tasks: [], missing: [] };
    from = to;
    return episode;
  });
  if (from !== frames || frames === 0) {
    throw new DatasetError(
      `${where}: expected the episodes to end at the ${frames} rows of the arrays, found ${from}. Export the data set again.`,
    );
  }
  return episodes;
}
