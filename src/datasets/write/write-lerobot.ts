import { ByteWriter, ParquetWriter } from 'hyparquet-writer/src/index.js';
import { DatasetError, OptionError } from '../../foundation/errors.js';
import { checkCallbacks, checkInteger, checkKeys, checkMethods, checkSignal, checkText, keysOf } from '../../foundation/options.js';
import type { Dataset, DatasetEpisode, DatasetFeature, FeatureStatistics } from '../dataset.js';
import { pathOf } from '../lerobot/info.js';
import { statisticSize } from '../lerobot/statistics-json.js';
import { encodePng } from '../pictures/png.js';
import { AggregatedStatistics, statisticsOfRows } from '../statistics.js';
import { checkDataset } from '../windows.js';
import { bookkeepingStatistics, type NamedStatistics, statsJson } from './episode-statistics.js';
import { type CheckedMapping, checkMappings, type FeatureMapping, mappedRows } from './mapping.js';
import {
  CHUNK_SIZE,
  CREATED_BY,
  DATA_FILE_MEGABYTES,
  DATA_PATH,
  episodesParquet,
  infoJson,
  tasksParquet,
  type WrittenEpisode,
} from './meta-files.js';
import { PictureStatistics } from './picture-statistics.js';
import { huggingfaceMetadata, pictureColumn, scalarColumn, schemaOf, vectorColumn } from './schema.js';

/** Where files of a data set go: a folder, memory, an archive. */
export interface DatasetSink {
  /** Writes a whole file; `path` is relative and separated by "/". */
  write(path: string, content: Uint8Array | string): Promise<void>;
}

export interface WriteOptions {
  /** Default: every feature under its own name. */
  readonly features?: readonly FeatureMapping[];
  /** Of episodes that have no task in words. Default: empty. */
  readonly task?: string;
  /** Default: the source's. */
  readonly robot?: string;
  /** Bytes of a data file from which on the next one is begun. Default 100 MB, as LeRobot's. */
  readonly fileBytes?: number;
  /** Called after each episode. */
  readonly onEpisode?: (written: number, of: number) => void;
  readonly signal?: { throwIfAborted(): void };
}

const OPTIONS = keysOf<WriteOptions>({ features: true, task: true, robot: true, fileBytes: true, onEpisode: true, signal: true });

const MOST_CHARACTERS = 4096;

/** What was written. */
export interface WriteResult {
  readonly episodes: number;
  readonly frames: number;
  readonly features: readonly DatasetFeature[];
  /** Indices, in the source, of episodes that miss a feature and were left out. */
  readonly leftOut: readonly number[];
}

/**
 * Writes a data set in LeRobot's v3.0 layout, episode by episode: memory holds one data file, not the data set. Vectors become float32;
 * pictures, those of videos too, PNG in the rows. `meta/info.json` comes last, so that what was interrupted is never taken for a whole.
 * @throws OptionError; DatasetError as `readRows`; what the sink throws.
 */
export async function writeLeRobotDataset(dataset: Dataset, sink: DatasetSink, options: WriteOptions = {}): Promise<WriteResult> {
  const where = 'writeLeRobotDataset';
  checkDataset(where, dataset);
  checkMethods(where, 'sink', sink, 'something to write files to', ['write']);
  checkKeys(where, options, OPTIONS);
  const { task = '', robot, fileBytes = DATA_FILE_MEGABYTES * 1_000_000, onEpisode, signal } = options;
  checkWords(where, 'task', task);
  if (robot !== undefined) checkWords(where, 'robot', robot);
  checkInteger(where, 'fileBytes', fileBytes, 1, 1_000_000_000);
  checkCallbacks(where, options, ['onEpisode']);
  checkSignal(where, signal);
  const mappings = checkMappings(where, dataset, options.features);
  const features = mappings.map(({ target }) => target);
  const isWhole = ({ missing }: DatasetEpisode): boolean =>
    !missing.some(({ feature }) => mappings.some(({ source }) => source.name === feature));
  const chosen = dataset.episodes.filter(isWhole);
  if (chosen.length === 0)
    throw new OptionError(`${where}: expected episodes with all chosen features, found none: choose other features.`);
  const tasks = new Map<string, number>();
  const totals = new Map<string, AggregatedStatistics>();
  const written: WrittenEpisode[] = [];
  const files = new DataFiles(sink, features, fileBytes);
  let from = 0;
  for (const [index, source] of chosen.entries()) {
    signal?.throwIfAborted();
    const length = source.to - source.from;
    const words = source.tasks.length === 0 ? [task] : source.tasks;
    for (const word of words) if (!tasks.has(word)) tasks.set(word, tasks.size);
    const taskIndex = tasks.get(words[0] as string) as number;
    const { columns, statistics } = await readEpisode(dataset, mappings, source);
    const own = new Map([...statistics, ...bookkeepingStatistics(index, from, length, dataset.fps, taskIndex)]);
    const file = await files.add(columns, { index, from, length, fps: dataset.fps, task: taskIndex });
    written.push({ index, from, to: from + length, tasks: words, file, statistics: own });
    for (const [name, one] of own) add(totals, name, one, features);
    from += length;
    onEpisode?.(index + 1, chosen.length);
  }
  await files.finish();
  await sink.write('meta/tasks.parquet', tasksParquet([...tasks.keys()]));
  await sink.write('meta/episodes/chunk-000/file-000.parquet', episodesParquet(written, features));
  await sink.write('meta/stats.json', statsJson(features, new Map([...totals].map(([name, total]) => [name, total.result()]))));
  const facts = { robot: robot ?? dataset.robot, episodes: written.length, frames: from, tasks: tasks.size, fps: dataset.fps, features };
  await sink.write('meta/info.json', infoJson(facts));
  const leftOut = dataset.episodes.filter((episode) => !isWhole(episode)).map(({ index }) => index);
  return { episodes: written.length, frames: from, features, leftOut };
}

/** A text that people read. */
function checkWords(where: string, name: string, value: unknown): void {
  const { length } = checkText(where, name, value);
  if (length > MOST_CHARACTERS)
    throw new OptionError(`${where}: ${name} must have at most ${MOST_CHARACTERS} characters, found ${length}.`);
}

function add(totals: Map<string, AggregatedStatistics>, name: string, one: FeatureStatistics, features: readonly DatasetFeature[]): void {
  const feature = features.find((candidate) => candidate.name === name);
  const total = totals.get(name) ?? new AggregatedStatistics(feature === undefined ? 1 : statisticSize(feature));
  total.add(one);
  totals.set(name, total);
}

/** Rows of an episode as columns. */
interface EpisodeColumns {
  readonly columns: readonly (readonly unknown[])[];
  readonly statistics: NamedStatistics;
}

async function readEpisode(
  dataset: Dataset,
  mappings: readonly CheckedMapping[],
  { index, from, to }: DatasetEpisode,
): Promise<EpisodeColumns> {
  const columns: unknown[][] = [];
  const statistics = new Map<string, FeatureStatistics>();
  for (const mapping of mappings) {
    const { target, source } = mapping;
    if (target.kind === 'vector') {
      const rows = await mappedRows(dataset, mapping, from, to);
      const wrong = rows.findIndex((value) => !Number.isFinite(value));
      if (wrong >= 0) {
        throw new DatasetError(
          `episode ${index}, frame ${Math.floor(wrong / target.size)}: expected finite numbers for "${target.name}", found ${rows[wrong]} in what was made ` +
            `of "${source.name}".`,
        );
      }
      statistics.set(target.name, statisticsOfRows(rows, target.size));
      columns.push(cellsOf(rows, target.size));
      continue;
    }
    const counted = new PictureStatistics();
    const cells: unknown[] = [];
    for await (const picture of dataset.readPictures(source.name, from, to)) {
      counted.add(picture);
      cells.push({ bytes: await encodePng(picture), path: `frame-${String(cells.length).padStart(6, '0')}.png` });
    }
    statistics.set(target.name, counted.result());
    columns.push(cells);
  }
  return { columns, statistics };
}

/** Rows as cells of a column: lists, or numbers where a row is one. */
function cellsOf(rows: Float32Array, size: number): unknown[] {
  if (size === 1) return [...rows];
  return Array.from({ length: rows.length / size }, (_, row) => [...rows.subarray(row * size, (row + 1) * size)]);
}

interface EpisodeNumbers {
  readonly index: number;
  readonly from: number;
  readonly length: number;
  readonly fps: number;
  readonly task: number;
}

/** Data files, each held in memory until it is full; a row group per episode. */
class DataFiles {
  readonly #sink: DatasetSink;
  readonly #features: readonly DatasetFeature[];
  readonly #most: number;
  #number = 0;
  #open: { writer: ByteWriter; file: ParquetWriter } | undefined;

  constructor(sink: DatasetSink, features: readonly DatasetFeature[], most: number) {
    this.#sink = sink;
    this.#features = features;
    this.#most = most;
  }

  /** Returns the number of the file that the episode is in. */
  async add(columns: readonly (readonly unknown[])[], { index, from, length, fps, task }: EpisodeNumbers): Promise<number> {
    this.#open ??= this.#begin();
    const { writer, file } = this.#open;
    const repeated = (value: number): bigint[] => new Array<bigint>(length).fill(BigInt(value));
    const counted = (first: number): bigint[] => Array.from({ length }, (_, frame) => BigInt(first + frame));
    const columnData = [
      ...this.#features.map(({ name }, i) => ({ name, data: [...(columns[i] as readonly unknown[])] })),
      { name: 'timestamp', data: Array.from({ length }, (_, frame) => Math.fround(frame / fps)) },
      { name: 'frame_index', data: counted(0) },
      { name: 'episode_index', data: repeated(index) },
      { name: 'index', data: counted(from) },
      { name: 'task_index', data: repeated(task) },
    ];
    file.write({ columnData: columnData.map((column) => ({ ...column, offsetIndex: false })), rowGroupSize: length });
    const number = this.#number;
    if (writer.offset >= this.#most) await this.finish();
    return number;
  }

  async finish(): Promise<void> {
    if (this.#open === undefined) return;
    const { writer, file } = this.#open;
    file.finish();
    const fields = { chunk_index: Math.floor(this.#number / CHUNK_SIZE), file_index: this.#number % CHUNK_SIZE };
    await this.#sink.write(pathOf(DATA_PATH, fields), new Uint8Array(writer.getBuffer()));
    this.#open = undefined;
    this.#number++;
  }

  #begin(): { writer: ByteWriter; file: ParquetWriter } {
    const columns = [
      ...this.#features.map(({ name, kind, size }) => (kind === 'vector' ? vectorColumn(name, size) : pictureColumn(name))),
      scalarColumn('timestamp', 'FLOAT'),
      ...['frame_index', 'episode_index', 'index', 'task_index'].map((name) => scalarColumn(name, 'INT64')),
    ];
    const writer = new ByteWriter();
    const kvMetadata = [{ key: 'huggingface', value: huggingfaceMetadata(this.#features) }];
    return { writer, file: new ParquetWriter({ writer, schema: schemaOf(columns), kvMetadata, createdBy: CREATED_BY }) };
  }
}
