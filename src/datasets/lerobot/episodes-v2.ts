import { JsonObject } from '../../checkpoints/json-object.js';
import { DatasetError } from '../../foundation/errors.js';
import { type DatasetFiles, inDatasetWords } from '../files.js';
import { type LeRobotInfo, pathOf } from './info.js';
import type { EpisodePlace } from './layout.js';

const EPISODES = 'meta/episodes.jsonl';

/**
 * Episodes of v2.0 and v2.1: a line, a parquet file and a video per camera for each.
 * @throws DatasetError naming the line.
 */
export async function readEpisodesV2(files: DatasetFiles, info: LeRobotInfo): Promise<EpisodePlace[]> {
  const cameras = info.features.filter(({ kind }) => kind === 'video').map(({ name }) => name);
  const episodes: EpisodePlace[] = [];
  let from = 0;
  for await (const { value, where } of files.jsonLines(EPISODES)) {
    const episode = inDatasetWords((): EpisodePlace => {
      const line = new JsonObject(where, value);
      const index = line.integer('episode_index', { min: 0, max: 10_000_000 });
      if (index !== episodes.length) {
        throw new DatasetError(
          `${where}: expected episode ${episodes.length}, found ${index}. Episodes are numbered in order: mend the file.`,
        );
      }
      const length = line.integer('length', { min: 1, max: 2 ** 31 - 2 - from });
      const fields = { episode_index: index, episode_chunk: Math.floor(index / info.chunkSize) };
      const { videoPath } = info;
      const videos = cameras.map((camera): [string, { path: string; first: number }] => {
        return [camera, { path: pathOf(videoPath as string, { ...fields, video_key: camera }), first: 0 }];
      });
      const tasks = line.has('tasks') ? line.strings('tasks') : [];
      return { index, from, to: from + length, tasks, data: pathOf(info.dataPath, fields), videos: new Map(videos) };
    });
    from = episode.to;
    episodes.push(episode);
  }
  return episodes;
}
