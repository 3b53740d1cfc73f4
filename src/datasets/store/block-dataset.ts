import type { AbortSignalLike } from '../../foundation/abort-signal.js';
import { DatasetError, OptionError } from '../../foundation/errors.js';
import { checkInteger } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import type {
  CheckedRows,
  DatasetEpisode,
  DatasetFeature,
  FeatureKind,
  FeatureStatistics,
  PictureData,
  StoredDataset,
} from '../dataset.js';
import { Faults, faultsOf } from '../faults.js';
import { inDatasetWords } from '../files.js';
import type { PictureCodecs } from '../pictures/codecs.js';
import { decodePicture } from '../pictures/decode-picture.js';
import { episodeOf } from '../windows.js';
import { BlockCache } from './block-cache.js';
import type { RowBlock, RowStore, StoredPicture } from './row-store.js';

/** What a format finds out when it opens a data set. */
export interface DatasetFacts {
  readonly name: string;
  readonly format: string;
  readonly fps: number;
  readonly robot: string | null;
  readonly features: readonly DatasetFeature[];
  readonly episodes: readonly DatasetEpisode[];
  readonly missing: readonly string[];
  readonly warnings: readonly string[];
  /** Of the features that the data set has them for; the others' are computed. */
  readonly statistics: ReadonlyMap<string, FeatureStatistics>;
  /** The file that they are read from. */
  readonly statisticsFile?: string | undefined;
}

/** Streams of an episode that end at a fault before a check leaves the rest of it: each is a decoder that begins anew. */
const MOST_ENDED = 10;

/** Bytes of rows and pictures that are kept, unless the caller says otherwise. */
export const DEFAULT_CACHE_BYTES = 256 * 1024 * 1024;

type Blocks = Float32Array | readonly StoredPicture[];

/** A data set over rows in blocks: checks, cache, and what is the same for all formats. */
export class BlockDataset implements StoredDataset {
  readonly name: string;
  readonly format: string;
  readonly fps: number;
  readonly robot: string | null;
  readonly features: readonly DatasetFeature[];
  readonly episodes: readonly DatasetEpisode[];
  readonly frames: number;
  readonly missing: readonly string[];
  readonly warnings: readonly string[];
  statistics: ReadonlyMap<string, FeatureStatistics>;
  statisticsComputed = false;
  statisticsFile: string | undefined;
  readonly cache: BlockCache<Blocks>;
  readonly #store: RowStore;
  readonly #codecs: PictureCodecs;
  #isClosed = false;

  constructor(facts: DatasetFacts, store: RowStore, codecs: PictureCodecs, cacheBytes: number) {
    this.name = facts.name;
    this.format = facts.format;
    this.fps = facts.fps;
    this.robot = facts.robot;
    this.features = facts.features;
    this.episodes = facts.episodes;
    this.frames = facts.episodes.at(-1)?.to ?? 0;
    this.missing = facts.missing;
    this.warnings = facts.warnings;
    this.statistics = facts.statistics;
    this.statisticsFile = facts.statisticsFile;
    this.cache = new BlockCache(cacheBytes);
    this.#store = store;
    this.#codecs = codecs;
  }

  async readRows(name: string, from: number, to: number): Promise<Float32Array> {
    const feature = this.#feature('readRows', name, ['vector']);
    this.#checkRows('readRows', from, to);
    const { size } = feature;
    const rows = new Float32Array((to - from) * size);
    for (let row = from; row < to; ) {
      this.#checkThere(feature, row);
      const block = await this.#store.vectorBlock(feature, row);
      const kept = this.#vectors(feature, block);
      const values = kept instanceof Promise ? await kept : kept;
      const end = Math.min(to, block.to);
      rows.set(values.subarray((row - block.from) * size, (end - block.from) * size), (row - from) * size);
      row = end;
    }
    return rows;
  }

  async readPicture(name: string, row: number): Promise<PictureData> {
    const feature = this.#feature('readPicture', name, ['image', 'video']);
    checkInteger('readPicture', 'row', row, 0, this.frames - 1);
    return this.#picture(feature, row);
  }

  async *readPictures(name: string, from: number, to: number): AsyncGenerator<PictureData> {
    const feature = this.#feature('readPictures', name, ['image', 'video']);
    this.#checkRows('readPictures', from, to);
    for (let row = from; row < to; ) {
      const episode = episodeOf(this, row);
      const end = Math.min(to, episode.to);
      this.#checkThere(feature, row);
      const stream = this.#store.streamPictures?.(feature, row, end);
      if (stream === undefined) for (; row < end; row++) yield await this.#picture(feature, row);
      else {
        yield* stream;
        row = end;
      }
    }
  }

  async *check(name: string, from: number, to: number, signal?: AbortSignalLike): AsyncGenerator<CheckedRows> {
    const feature = this.#feature('check', name, ['vector', 'image', 'video']);
    this.#checkRows('check', from, to);
    let ended = 0;
    for (let row = from; row < to; ) {
      signal?.throwIfAborted();
      const stream = feature.kind === 'vector' ? undefined : this.#store.streamPictures?.(feature, row, to);
      const part = stream === undefined ? await this.#checkBlock(feature, row, to) : await checkStream(stream, to - row, signal);
      yield part;
      row += part.rows;
      if (stream !== undefined && part.faults.length > 0 && ++ended === MOST_ENDED) return;
    }
  }

  /** Of the block that holds a row, the rows from there on. */
  async #checkBlock(feature: DatasetFeature, row: number, to: number): Promise<CheckedRows & { readonly rows: number }> {
    let rows = to - row;
    try {
      const isVector = feature.kind === 'vector';
      const block = await (isVector ? this.#store.vectorBlock(feature, row) : this.#store.pictureBlock(feature, row));
      rows = Math.min(block.to, to) - row;
      await (isVector
        ? this.#vectors(feature, block as RowBlock<Float32Array>)
        : this.#pictures(block as RowBlock<readonly StoredPicture[]>));
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error;
      return { rows, good: 0, faults: faultsOf(error) };
    }
    if (feature.kind === 'vector') return { rows, good: rows, faults: [] };
    const faults: string[] = [];
    for (let at = row; at < row + rows; at++) {
      try {
        await this.#picture(feature, at);
      } catch (error) {
        if (!(error instanceof DatasetError)) throw error;
        faults.push(error.message);
      }
    }
    return { rows, good: rows - faults.length, faults };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.cache.clear();
    await this.#store.close();
  }

  #vectors(feature: DatasetFeature, block: RowBlock<Float32Array>): Float32Array | Promise<Float32Array> {
    return this.cache.get(block.key, async () => {
      const faults = new Faults();
      const values = await faults.reading(async () => {
        const read = await block.read(faults);
        this.#findNotFinite(feature, read, block, faults);
        return read;
      });
      return { value: values, bytes: values.byteLength };
    }) as Float32Array | Promise<Float32Array>;
  }

  #pictures(block: RowBlock<readonly StoredPicture[]>): readonly StoredPicture[] | Promise<readonly StoredPicture[]> {
    return this.cache.get(block.key, async () => {
      const faults = new Faults();
      const pictures = await faults.reading(() => block.read(faults));
      return { value: pictures, bytes: pictures.reduce((sum, picture) => sum + storedBytes(picture), 0) };
    }) as readonly StoredPicture[] | Promise<readonly StoredPicture[]>;
  }

  async #picture(feature: DatasetFeature, row: number): Promise<PictureData> {
    this.#checkThere(feature, row);
    const block = await this.#store.pictureBlock(feature, row);
    const kept = this.#pictures(block);
    const pictures = kept instanceof Promise ? await kept : kept;
    const picture = pictures[row - block.from] as StoredPicture;
    if (!(picture instanceof Uint8Array)) return picture;
    const where = this.#where(block.file, row);
    const decoded = await decodePicture(picture, this.#codecs, where);
    const [height, width] = feature.shape as [number, number];
    if (decoded.height === height && decoded.width === width) return decoded;
    throw new DatasetError(
      `${where}: "${feature.name}" must be ${height} × ${width} pixels (height × width), found ${decoded.height} × ${decoded.width}. ` +
        'Correct the shape in the metadata, or record the frame again.',
    );
  }

  #feature(where: string, name: unknown, kinds: readonly FeatureKind[]): DatasetFeature {
    if (this.#isClosed) throw new OptionError(`${where}: the data set was closed: open it again.`);
    const feature = this.features.find((candidate) => candidate.name === name && kinds.includes(candidate.kind));
    if (feature !== undefined) return feature;
    const known = this.features.filter(({ kind }) => kinds.includes(kind)).map((candidate) => `"${candidate.name}"`);
    throw new OptionError(`${where}: expected one of ${known.length === 0 ? 'no features' : known.join(', ')}, found ${shownValue(name)}.`);
  }

  #checkRows(where: string, from: number, to: number): void {
    checkInteger(where, 'from', from, 0, this.frames);
    checkInteger(where, 'to', to, from, this.frames);
  }

  #checkThere(feature: DatasetFeature, row: number): void {
    const episode = episodeOf(this, row);
    const missing = episode.missing.find((part) => part.feature === feature.name);
    if (missing === undefined) return;
    throw new DatasetError(
      `${this.name}: episode ${episode.index} has no "${feature.name}", because ${missing.file} is not there. Download it, or leave the episode out.`,
    );
  }

  /** One fault for a frame. */
  #findNotFinite({ name, size }: DatasetFeature, values: Float32Array, { from, file }: RowBlock<Float32Array>, faults: Faults): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      // NaN and infinity, and nothing else, differ from zero here.
      if (value - value === 0) continue;
      const row = Math.floor(i / size);
      faults.add(
        `${this.#where(file, from + row)}: expected finite numbers, found ${value} in dimension ${i % size} of "${name}". ` +
          'Mend or leave out the episode.',
      );
      i = (row + 1) * size - 1;
    }
  }

  #where(file: string, row: number): string {
    const { index, from } = inDatasetWords(() => episodeOf(this, row));
    return `${file}, episode ${index}, frame ${row - from}`;
  }
}

/** Of a stream, which ends at its first fault: the rows up to there, and the damaged one. Behind a stream that has not begun is nothing to be read. */
async function checkStream(
  stream: AsyncIterable<PictureData>,
  rows: number,
  signal: AbortSignalLike | undefined,
): Promise<CheckedRows & { readonly rows: number }> {
  let good = 0;
  try {
    for await (const _ of stream) {
      signal?.throwIfAborted();
      good++;
    }
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    return { rows: good === 0 ? rows : good + 1, good, faults: faultsOf(error) };
  }
  return { rows, good, faults: [] };
}

function storedBytes(picture: StoredPicture): number {
  return picture instanceof Uint8Array ? picture.byteLength : picture.data.byteLength;
}
