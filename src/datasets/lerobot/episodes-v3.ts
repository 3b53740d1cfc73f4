import { DatasetError } from '../../foundation/errors.js';
import type { DatasetFiles } from '../files.js';
import { ParquetFile } from '../parquet/parquet-file.js';
import { rowsToNumbers } from '../parquet/values.js';
import { type LeRobotInfo, pathOf } from './info.js';
import type { EpisodePlace, VideoPlace } from './layout.js';

const EPISODES = 'meta/episodes/';
/** Of its frame, how far an episode may begin from a frame of its video. */
const MOST_OFFSET = 0.25;

/**
 * Episodes of v3.0: rows of the parquet files under `meta/episodes`, which say where each lies in the files that it shares.
 * @throws DatasetError naming file and row.
 */
export async function readEpisodesV3(files: DatasetFiles, info: LeRobotInfo): Promise<EpisodePlace[]> {
  const paths = files.below(EPISODES).filter((path) => path.endsWith('.parquet'));
  if (paths.length === 0) {
    throw new DatasetError(
      `${files.name}: expected files "${EPISODES}chunk-000/file-000.parquet" and so on, found none. Download meta/ as a whole.`,
    );
  }
  const episodes: EpisodePlace[] = [];
  for (const path of paths) {
    const file = await ParquetFile.open(await files.open(path));
    if (episodes.length + file.rows > info.episodes) {
      throw new DatasetError(
        `${path}: expected the ${info.episodes} episodes of meta/info.json, found more. Download meta/ again, as a whole.`,
      );
    }
    for (let group = 0; group < file.groups.length; group++) await readGroup(file, group, info, episodes);
  }
  return episodes;
}

async function readGroup(file: ParquetFile, group: number, info: LeRobotInfo, episodes: EpisodePlace[]): Promise<void> {
  const column = async (name: string): Promise<Float64Array> => {
    return rowsToNumbers(await file.readColumn(name, group, 1), (row, found) => fail(row, `a number in "${name}"`, found));
  };
  const fail = (row: number, expected: string, found: string): never => {
    throw new DatasetError(`${file.name}, row ${row} of row group ${group}: expected ${expected}, found ${found}. Download meta/ again.`);
  };
  const count = (name: string, row: number, value: number): number => {
    return Number.isSafeInteger(value) && value >= 0 && value < 2 ** 31 - 1
      ? value
      : fail(row, `a whole number in "${name}"`, String(value));
  };
  const [index, length, from, to, chunk, part] = (await Promise.all(
    ['episode_index', 'length', 'dataset_from_index', 'dataset_to_index', 'data/chunk_index', 'data/file_index'].map(column),
  )) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
  const tasks = file.columns.has('tasks') ? await file.readColumn('tasks', group) : [];
  const cameras = await Promise.all(
    info.features
      .filter(({ kind, name }) => kind === 'video' && file.columns.has(`videos/${name}/file_index`))
      .map(async ({ name }) => ({
        name,
        chunk: await column(`videos/${name}/chunk_index`),
        file: await column(`videos/${name}/file_index`),
        begin: await column(`videos/${name}/from_timestamp`),
      })),
  );
  for (let row = 0; row < index.length; row++) {
    const expected = episodes.length;
    const first = episodes.at(-1)?.to ?? 0;
    if (index[row] !== expected) fail(row, `episode ${expected}`, String(index[row]));
    const last = count('dataset_to_index', row, to[row] as number);
    if (from[row] !== first) fail(row, `"dataset_from_index" ${first}, where the episode before ends`, String(from[row]));
    if (last <= first || length[row] !== last - first) {
      fail(row, `"length" to be the rows ${first} to ${last} and at least 1`, String(length[row]));
    }
    const fields = (c: Float64Array, f: Float64Array) => ({
      chunk_index: count('chunk_index', row, c[row] as number),
      file_index: count('file_index', row, f[row] as number),
    });
    const videos = cameras.map(({ name, ...place }): [string, VideoPlace] => {
      const begin = (place.begin[row] as number) * info.fps;
      const frame = Math.round(begin);
      if (!(frame >= 0 && Math.abs(begin - frame) <= MOST_OFFSET && frame < 2 ** 31)) {
        fail(row, `"videos/${name}/from_timestamp" to be that of a frame at ${info.fps} fps`, String(place.begin[row]));
      }
      return [name, { path: pathOf(info.videoPath as string, { ...fields(place.chunk, place.file), video_key: name }), first: frame }];
    });
    episodes.push({
      index: expected,
      from: first,
      to: last,
      tasks: textsOf(tasks[row]),
      data: pathOf(info.dataPath, fields(chunk, part)),
      videos: new Map(videos),
    });
  }
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}
