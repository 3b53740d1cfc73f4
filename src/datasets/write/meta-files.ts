import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer/src/index.js';
import type { DatasetFeature } from '../dataset.js';
import { BOOKKEEPING } from '../lerobot/info.js';
import { type NamedStatistics, statisticEntries, statisticValue } from './episode-statistics.js';
import { listColumn, scalarColumn, schemaOf } from './schema.js';

/** An episode that was written. */
export interface WrittenEpisode {
  readonly index: number;
  readonly from: number;
  readonly to: number;
  readonly tasks: readonly string[];
  /** Number of the data file among all, from 0. */
  readonly file: number;
  readonly statistics: NamedStatistics;
}

/** Files in a folder `chunk-…`, and bytes of a data file from which on the next one is begun: LeRobot's defaults. */
export const CHUNK_SIZE = 1000;
export const DATA_FILE_MEGABYTES = 100;
const VIDEO_FILE_MEGABYTES = 500;
export const CREATED_BY = 'warmstep';

export const DATA_PATH = 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet';

interface Column {
  readonly schema: readonly SchemaElement[];
  readonly name: string;
  readonly data: readonly unknown[];
}

/** A parquet file of one row group. */
function parquetBytes(columns: readonly Column[], metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  const writer = new ByteWriter();
  const kvMetadata = Object.entries(metadata).map(([key, value]) => ({ key, value }));
  const file = new ParquetWriter({ writer, schema: schemaOf(columns.map(({ schema }) => schema)), kvMetadata, createdBy: CREATED_BY });
  const rows = columns[0]?.data.length ?? 0;
  file.write({
    columnData: columns.map(({ name, data }) => ({ name, data: [...data], offsetIndex: false })),
    rowGroupSize: Math.max(1, rows),
  });
  file.finish();
  return new Uint8Array(writer.getBuffer());
}

/** `meta/tasks.parquet`: a pandas frame whose index is the task in words. */
export function tasksParquet(tasks: readonly string[]): Uint8Array {
  const index = '__index_level_0__';
  const column = (name: string | null, field: string, pandas: string, numpy: string): object => {
    return { name, field_name: field, pandas_type: pandas, numpy_type: numpy, metadata: null };
  };
  const pandas = {
    index_columns: [index],
    column_indexes: [{ ...column(null, '', 'unicode', 'object'), field_name: null, metadata: { encoding: 'UTF-8' } }],
    columns: [column('task_index', 'task_index', 'int64', 'int64'), column(null, index, 'unicode', 'object')],
    attributes: {},
    creator: { library: CREATED_BY, version: '1' },
    pandas_version: '2.3.3',
  };
  return parquetBytes(
    [
      { name: 'task_index', schema: scalarColumn('task_index', 'INT64'), data: tasks.map((_, i) => BigInt(i)) },
      { name: index, schema: scalarColumn(index, 'STRING'), data: tasks },
    ],
    { pandas: JSON.stringify(pandas) },
  );
}

/** `meta/episodes/chunk-000/file-000.parquet`: where every episode lies, and its statistics. */
export function episodesParquet(episodes: readonly WrittenEpisode[], features: readonly DatasetFeature[]): Uint8Array {
  const whole = (name: string, value: (episode: WrittenEpisode) => number): Column => {
    return { name, schema: scalarColumn(name, 'INT64'), data: episodes.map((episode) => BigInt(value(episode))) };
  };
  const kinds = new Map(features.map(({ name, kind }) => [name, kind]));
  const statistics = [...(episodes[0]?.statistics ?? [])].flatMap(([feature, first]) =>
    statisticEntries(first).map(([key], at): Column => {
      const name = `stats/${feature}/${key}`;
      const isPicture = key !== 'count' && (kinds.get(feature) ?? 'vector') !== 'vector';
      // As LeRobot has them: counts, and the extremes of what is counted, are whole numbers.
      const isWhole = key === 'count' || ((key === 'min' || key === 'max') && BOOKKEEPING.includes(feature) && feature !== 'timestamp');
      const data = episodes.map((episode) => {
        const values = (statisticEntries(episode.statistics.get(feature) as never)[at] as [string, Float64Array])[1];
        return isWhole ? Array.from(values, BigInt) : statisticValue(values, isPicture);
      });
      return { name, schema: listColumn(name, isWhole ? 'INT64' : 'DOUBLE', isPicture ? 3 : 1), data };
    }),
  );
  return parquetBytes([
    whole('episode_index', ({ index }) => index),
    { name: 'tasks', schema: listColumn('tasks', 'STRING'), data: episodes.map(({ tasks }) => [...tasks]) },
    whole('length', ({ from, to }) => to - from),
    whole('data/chunk_index', ({ file }) => Math.floor(file / CHUNK_SIZE)),
    whole('data/file_index', ({ file }) => file % CHUNK_SIZE),
    whole('dataset_from_index', ({ from }) => from),
    whole('dataset_to_index', ({ to }) => to),
    ...statistics,
    whole('meta/episodes/chunk_index', () => 0),
    whole('meta/episodes/file_index', () => 0),
  ]);
}

export interface InfoFacts {
  readonly robot: string | null;
  readonly episodes: number;
  readonly frames: number;
  readonly tasks: number;
  readonly fps: number;
  readonly features: readonly DatasetFeature[];
}

/** `meta/info.json`. */
export function infoJson({ robot, episodes, frames, tasks, fps, features }: InfoFacts): string {
  const shown = features.map(({ name, kind, dtype, shape, names }): [string, object] => [
    name,
    kind === 'vector' ? { dtype, shape, names } : { dtype: 'image', shape, names: ['height', 'width', 'channels'] },
  ]);
  const numbers = BOOKKEEPING.map((name): [string, object] => [
    name,
    { dtype: name === 'timestamp' ? 'float32' : 'int64', shape: [1], names: null },
  ]);
  const info = {
    codebase_version: 'v3.0',
    robot_type: robot,
    total_episodes: episodes,
    total_frames: frames,
    total_tasks: tasks,
    chunks_size: CHUNK_SIZE,
    data_files_size_in_mb: DATA_FILE_MEGABYTES,
    video_files_size_in_mb: VIDEO_FILE_MEGABYTES,
    fps,
    splits: { train: `0:${episodes}` },
    data_path: DATA_PATH,
    // None is written.
    video_path: null,
    features: Object.fromEntries([...shown, ...numbers]),
  };
  return `${JSON.stringify(info, null, 4)}\n`;
}
