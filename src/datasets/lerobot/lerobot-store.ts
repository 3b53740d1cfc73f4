import { DatasetError } from '../../foundation/errors.js';
import type { DatasetEpisode, DatasetFeature, PictureData } from '../dataset.js';
import type { Faults } from '../faults.js';
import type { DatasetFiles } from '../files.js';
import { ParquetFile } from '../parquet/parquet-file.js';
import { rowsToFloats } from '../parquet/values.js';
import type { PictureCodecs } from '../pictures/codecs.js';
import { videoFrames } from '../pictures/video-frames.js';
import type { RowBlock, RowStore, StoredPicture } from '../store/row-store.js';
import { episodeOf } from '../windows.js';
import { bookkeepingFaults } from './bookkeeping.js';
import type { DataFile, VideoPlace } from './layout.js';

/** Files whose footers are kept. */
const MOST_OPEN = 64;
/** Frames of a video that are decoded at once for one that is asked for: whoever wants one wants its neighbours. */
const VIDEO_BLOCK_BYTES = 32 * 1024 * 1024;

/** In place of one that is not there. */
const NO_PICTURE = new Uint8Array(0);

export interface LeRobotRows {
  readonly files: DatasetFiles;
  readonly fps: number;
  readonly tolerance: number;
  readonly episodes: readonly DatasetEpisode[];
  /** In the order of their rows; also those that are not there. */
  readonly data: readonly DataFile[];
  /** By episode, by feature. */
  readonly videos: readonly ReadonlyMap<string, VideoPlace>[];
  readonly codecs: PictureCodecs;
}

/** Rows in parquet files, one row group at a time; pictures in them, or in videos. */
export class LeRobotStore implements RowStore {
  readonly #rows: LeRobotRows;
  readonly #open = new Map<string, Promise<ParquetFile>>();
  /** What the bookkeeping of row groups was found to be: their faults. */
  readonly #checked = new Map<string, Promise<Faults>>();

  constructor(rows: LeRobotRows) {
    this.#rows = rows;
  }

  async vectorBlock(feature: DatasetFeature, row: number): Promise<RowBlock<Float32Array>> {
    const { name, size } = feature;
    return this.#block(feature, row, async (file, group, from, faults) => {
      const rows = await file.readColumn(name, group, size);
      return rowsToFloats(rows, size, (at, found) =>
        faults.add(from + at, () => this.#rowFault(file.name, from + at, `${size} numbers of "${name}"`, found)),
      );
    });
  }

  async pictureBlock(feature: DatasetFeature, row: number): Promise<RowBlock<readonly StoredPicture[]>> {
    if (feature.kind === 'video') return this.#videoBlock(feature, row);
    const { name } = feature;
    return this.#block(feature, row, async (file, group, from, faults) => {
      const rows = await file.readColumn(name, group, 1);
      const pictures: StoredPicture[] = [];
      for (const [at, given] of rows.entries()) {
        const picture = await this.#pictureOf(given);
        if (typeof picture === 'string') faults.add(from + at, () => this.#rowFault(file.name, from + at, `a picture "${name}"`, picture));
        pictures.push(typeof picture === 'string' ? NO_PICTURE : picture);
      }
      return pictures;
    });
  }

  streamPictures(feature: DatasetFeature, from: number, to: number): AsyncIterable<PictureData> | undefined {
    return feature.kind === 'video' ? this.#video(feature, from, to) : undefined;
  }

  close(): Promise<void> {
    this.#open.clear();
    return this.#rows.files.close();
  }

  async #block<T>(
    { name }: DatasetFeature,
    row: number,
    read: (file: ParquetFile, group: number, from: number, faults: Faults) => Promise<T>,
  ): Promise<RowBlock<T>> {
    const place = this.#fileOf(row);
    const file = await this.#file(place);
    const inFile = row - place.from;
    const group = file.groups.findIndex(({ from, to }) => inFile >= from && inFile < to);
    const { from, to } = file.groups[group] as DataFile;
    const first = place.from + from;
    return {
      key: `${name}\n${place.path}\n${group}`,
      from: first,
      to: place.from + to,
      file: place.path,
      read: (faults) =>
        this.#naming(first, async () => {
          faults.addAll(await this.#check(file, group, first));
          return read(file, group, first, faults);
        }),
    };
  }

  #fileOf(row: number): DataFile {
    const { data } = this.#rows;
    let [low, high] = [0, data.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((data[middle] as DataFile).from <= row) low = middle;
      else high = middle - 1;
    }
    return data[low] as DataFile;
  }

  #file(place: DataFile): Promise<ParquetFile> {
    const open = this.#open.get(place.path);
    if (open !== undefined) return open;
    const opening = this.#openFile(place);
    this.#open.set(place.path, opening);
    opening.catch(() => this.#open.delete(place.path));
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= MOST_OPEN) break;
      this.#open.delete(oldest);
    }
    return opening;
  }

  async #openFile({ path, from, to }: DataFile): Promise<ParquetFile> {
    const { files, episodes } = this.#rows;
    const first = episodeOf({ episodes }, from).index;
    const last = episodeOf({ episodes }, to - 1).index;
    const which = first === last ? `episode ${first}` : `episodes ${first} to ${last}`;
    let file: ParquetFile;
    try {
      file = await ParquetFile.open(await files.open(path));
    } catch (cause) {
      throw cause instanceof DatasetError ? new DatasetError(`${which}: ${cause.message}`, { cause }) : cause;
    }
    if (file.rows !== to - from) {
      throw new DatasetError(
        `${path}: expected ${to - from} frames of ${which}, as the metadata say, found ${file.rows}. Download both again, or record the episode again.`,
      );
    }
    return file;
  }

  #check(file: ParquetFile, group: number, first: number): Promise<Faults> {
    const key = `${file.name}\n${group}`;
    const begun = this.#checked.get(key);
    if (begun !== undefined) return begun;
    const checking = bookkeepingFaults(file, group, first, this.#rows);
    this.#checked.set(key, checking);
    checking.catch(() => this.#checked.delete(key));
    return checking;
  }

  /** Errors of a row group as a whole name its first episode. */
  async #naming<T>(first: number, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (!(cause instanceof DatasetError) || /episode \d/.test(cause.message)) throw cause;
      const { index, from } = episodeOf(this.#rows, first);
      throw new DatasetError(`episode ${index}, from frame ${first - from}: ${cause.message}`, { cause });
    }
  }

  #rowFault(file: string, row: number, expected: string, found: string): string {
    const { index, from } = episodeOf(this.#rows, row);
    return `${file}, episode ${index}, frame ${row - from}: expected ${expected}, found ${found}. Mend the data set or leave out the episode.`;
  }

  /** LeRobot's struct of bytes and path; of old data sets the bytes are in a file beside. What was found in place of either, in words. */
  async #pictureOf(given: unknown): Promise<StoredPicture | string> {
    const { bytes, path } = (typeof given === 'object' && given !== null ? given : {}) as { bytes?: unknown; path?: unknown };
    // A copy: what the library returns is a view of a whole page.
    if (bytes instanceof Uint8Array) return bytes.slice();
    const text = path instanceof Uint8Array ? new TextDecoder().decode(path) : path;
    const { files } = this.#rows;
    if (typeof text === 'string' && files.has(text)) return files.bytes(text);
    return typeof text === 'string' ? `the path of a file that is not there, "${text}"` : 'none';
  }

  #videoBlock(feature: DatasetFeature, row: number): RowBlock<readonly StoredPicture[]> {
    const episode = episodeOf(this.#rows, row);
    const [height, width] = feature.shape as [number, number];
    const frames = Math.max(1, Math.floor(VIDEO_BLOCK_BYTES / (height * width * 3)));
    const number = Math.floor((row - episode.from) / frames);
    const from = episode.from + number * frames;
    const to = Math.min(from + frames, episode.to);
    const { path } = this.#videoPlace(feature, episode);
    return {
      key: `${feature.name}\n${episode.index}\n${number}`,
      from,
      to,
      file: path,
      read: async () => {
        const pictures: PictureData[] = [];
        for await (const picture of this.#video(feature, from, to)) pictures.push(picture);
        return pictures;
      },
    };
  }

  #videoPlace({ name }: DatasetFeature, episode: DatasetEpisode): VideoPlace {
    return this.#rows.videos[episode.index]?.get(name) as VideoPlace;
  }

  #video(feature: DatasetFeature, from: number, to: number): AsyncIterable<PictureData> {
    const { fps, codecs } = this.#rows;
    const episode = episodeOf(this.#rows, from);
    const { path, first } = this.#videoPlace(feature, episode);
    const [height, width] = feature.shape as [number, number];
    const frame = from - episode.from;
    const range = { file: path, first: first + frame, count: to - from, fps, height, width };
    return videoFrames(codecs, range, episode.index, frame);
  }
}
