import { DatasetError, OptionError } from '../../foundation/errors.js';
import { checkInteger } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import type { Dataset, DatasetEpisode, DatasetFeature, FeatureKind, FeatureStatistics, PictureData } from '../dataset.js';
import { inDatasetWords } from '../files.js';
import type { PictureCodecs } from '../pictures/codecs.js';
import { decodePicture } from '../pictures/decode-picture.js';
import { episodeOf } from '../windows.js';
import { BlockCache } from './block-cache.js';
import type { RowStore, StoredPicture } from './row-store.js';

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
}

/** Bytes of rows and pictures that are kept, unless the caller says otherwise. */
export const DEFAULT_CACHE_BYTES = 256 * 1024 * 1024;

type Blocks = Float32Array | readonly StoredPicture[];

/** A data set over rows in blocks: checks, cache, and what is the same for all formats. */
export class BlockDataset implements Dataset {
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
      const kept = this.cache.get(block.key, async () => {
        const values = await block.read();
        this.#checkFinite(feature, values, block.from, block.file);
        return { value: values, bytes: values.byteLength };
      });
      const values = (kept instanceof Promise ? await kept : kept) as Float32Array;
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

  async close(): Promise<void> {
    this.#isClosed = true;
    this.cache.clear();
    await this.#store.close();
  }

  async #picture(feature: DatasetFeature, row: number): Promise<PictureData> {
    this.#checkThere(feature, row);
    const block = await this.#store.pictureBlock(feature, row);
    const kept = this.cache.get(block.key, async () => {
      const pictures = await block.read();
      return { value: pictures, bytes: pictures.reduce((sum, picture) => sum + storedBytes(picture), 0) };
    });
    const pictures = (kept instanceof Promise ? await kept : kept) as readonly StoredPicture[];
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

  #checkFinite({ name, size }: DatasetFeature, values: Float32Array, from: number, file: string): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      // NaN and infinity, and nothing else, differ from zero here.
      if (value - value === 0) continue;
      throw new DatasetError(
        `${this.#where(file, from + Math.floor(i / size))}: expected finite numbers, found ${value} in dimension ${i % size} of "${name}". ` +
          'Mend or leave out the episode.',
      );
    }
  }

  #where(file: string, row: number): string {
    const { index, from } = inDatasetWords(() => episodeOf(this, row));
    return `${file}, episode ${index}, frame ${row - from}`;
  }
}

function storedBytes(picture: StoredPicture): number {
  return picture instanceof Uint8Array ? picture.byteLength : picture.data.byteLength;
}
