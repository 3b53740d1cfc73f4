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
import { Faults, FaultyRowsError } from '../faults.js';
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
/** The same of streams in a row that nothing came of. */
const MOST_EMPTY = 3;

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
  /** What a check found of the last damaged block of a feature, which the next episode may lie in, too. */
  readonly #damaged = new Map<
    DatasetFeature,
    { readonly key: string; readonly faults: Faults; readonly pictures: readonly StoredPicture[] }
  >();
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
    for (let row = from; row < to; ) {
      signal?.throwIfAborted();
      const end = Math.min(to, episodeOf(this, row).to);
      try {
        this.#checkThere(feature, row);
      } catch (error) {
        yield { good: 0, faults: [messageOf(error)] };
        row = end;
        continue;
      }
      const isStream = feature.kind !== 'vector' && this.#store.streamPictures?.(feature, row, end) !== undefined;
      if (isStream) {
        yield* this.#checkStreams(feature, row, end, signal);
        row = end;
      } else {
        const part = await this.#checkBlock(feature, row, end);
        yield { good: part.good, faults: part.faults };
        row += part.rows;
      }
    }
  }

  /** Of the block that holds a row, the rows from there on. */
  async #checkBlock(feature: DatasetFeature, row: number, to: number): Promise<CheckedRows & { readonly rows: number }> {
    const isVector = feature.kind === 'vector';
    let rows = to - row;
    try {
      const block = await (isVector ? this.#store.vectorBlock(feature, row) : this.#store.pictureBlock(feature, row));
      const end = Math.min(block.to, to);
      rows = end - row;
      const found = isVector
        ? await this.#vectorFaults(feature, block as RowBlock<Float32Array>, row, end)
        : await this.#pictureFaults(feature, block as RowBlock<readonly StoredPicture[]>, row, end);
      return { rows, good: found.good, faults: found.words((at) => this.#where(block.file, at)) };
    } catch (error) {
      return { rows, good: 0, faults: [messageOf(error)] };
    }
  }

  async #vectorFaults(feature: DatasetFeature, block: RowBlock<Float32Array>, from: number, to: number): Promise<Faults> {
    const before = this.#damaged.get(feature);
    if (before?.key === block.key) return before.faults.part(from, to);
    try {
      await this.#vectors(feature, block);
      return new Faults(from, to);
    } catch (error) {
      if (!(error instanceof FaultyRowsError)) throw error;
      this.#damaged.set(feature, { key: block.key, faults: error.faults, pictures: [] });
      return error.faults.part(from, to);
    }
  }

  /** Decodes all pictures that are there, those beside others that are not, too. */
  async #pictureFaults(feature: DatasetFeature, block: RowBlock<readonly StoredPicture[]>, from: number, to: number): Promise<Faults> {
    const before = this.#damaged.get(feature);
    const { faults, pictures } = before?.key === block.key ? before : await this.#picturesAndFaults(feature, block);
    const found = faults.part(from, to);
    for (let row = from; row < to; row++) {
      const picture = pictures[row - block.from] as StoredPicture;
      if (faults.has(row) && picture instanceof Uint8Array && picture.byteLength === 0) continue;
      try {
        await this.#decoded(feature, picture, block.file, row);
      } catch (error) {
        const words = messageOf(error);
        found.add(row, () => words);
      }
    }
    return found;
  }

  async #picturesAndFaults(
    feature: DatasetFeature,
    block: RowBlock<readonly StoredPicture[]>,
  ): Promise<{ readonly faults: Faults; readonly pictures: readonly StoredPicture[] }> {
    try {
      return { faults: new Faults(block.from, block.to), pictures: await this.#pictures(block) };
    } catch (error) {
      if (!(error instanceof FaultyRowsError)) throw error;
    }
    const faults = new Faults(block.from, block.to);
    const damaged = { key: block.key, faults, pictures: await block.read(faults) };
    this.#damaged.set(feature, damaged);
    return damaged;
  }

  /** Of rows within one episode: a stream ends at its first fault, and another one begins behind it. */
  async *#checkStreams(
    feature: DatasetFeature,
    from: number,
    to: number,
    signal: AbortSignalLike | undefined,
  ): AsyncGenerator<CheckedRows> {
    let [ended, empty] = [0, 0];
    for (let row = from; row < to; ) {
      signal?.throwIfAborted();
      const stream = this.#store.streamPictures?.(feature, row, to) as AsyncIterable<PictureData>;
      const { good, fault } = await checkStream(stream, signal);
      if (fault === undefined) {
        yield { good, faults: [] };
        return;
      }
      empty = good === 0 ? empty + 1 : 0;
      const next = row + good + 1;
      // Of a video that does not begin, no frame is to be had.
      const isLeft = ++ended === MOST_ENDED || empty === MOST_EMPTY || (row === from && good === 0);
      const rest = isLeft ? to - next : 0;
      const behind = rest > 0 ? [`${this.#where(`"${feature.name}"`, next)}: ${leftOut(rest)} not looked at, behind what is damaged`] : [];
      yield { good, faults: [fault, ...behind] };
      row = rest > 0 ? to : next;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.cache.clear();
    this.#damaged.clear();
    await this.#store.close();
  }

  #vectors(feature: DatasetFeature, block: RowBlock<Float32Array>): Float32Array | Promise<Float32Array> {
    return this.cache.get(block.key, async () => {
      const faults = new Faults(block.from, block.to);
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
      const faults = new Faults(block.from, block.to);
      const pictures = await faults.reading(() => block.read(faults));
      return { value: pictures, bytes: bytesOf(pictures) };
    }) as readonly StoredPicture[] | Promise<readonly StoredPicture[]>;
  }

  async #picture(feature: DatasetFeature, row: number): Promise<PictureData> {
    this.#checkThere(feature, row);
    const block = await this.#store.pictureBlock(feature, row);
    const kept = this.#pictures(block);
    const pictures = kept instanceof Promise ? await kept : kept;
    return this.#decoded(feature, pictures[row - block.from] as StoredPicture, block.file, row);
  }

  async #decoded(feature: DatasetFeature, picture: StoredPicture, file: string, row: number): Promise<PictureData> {
    if (!(picture instanceof Uint8Array)) return picture;
    const where = this.#where(file, row);
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
      const dimension = i % size;
      faults.add(
        from + row,
        () =>
          `${this.#where(file, from + row)}: expected finite numbers, found ${value} in dimension ${dimension} of "${name}". ` +
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

/** Of a stream, which ends at its first fault: the frames up to there, and what is wrong with the next one. */
async function checkStream(
  stream: AsyncIterable<PictureData>,
  signal: AbortSignalLike | undefined,
): Promise<{ readonly good: number; readonly fault: string | undefined }> {
  let good = 0;
  try {
    for await (const _ of stream) {
      signal?.throwIfAborted();
      good++;
    }
  } catch (error) {
    return { good, fault: messageOf(error) };
  }
  return { good, fault: undefined };
}

function leftOut(frames: number): string {
  return frames === 1 ? 'this frame was' : `this frame and ${frames - 1} more behind it were`;
}

/** @throws what is none of a data set. */
function messageOf(error: unknown): string {
  if (error instanceof DatasetError) return error.message;
  throw error;
}

function bytesOf(pictures: readonly StoredPicture[]): number {
  return pictures.reduce((sum, picture) => sum + (picture instanceof Uint8Array ? picture.byteLength : picture.data.byteLength), 0);
}
