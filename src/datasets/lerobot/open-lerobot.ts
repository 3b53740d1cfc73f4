import { listed } from '../../checkpoints/source.js';
import { DatasetError } from '../../foundation/errors.js';
import type { DatasetEpisode, DatasetFeature, MissingPart } from '../dataset.js';
import type { DatasetFiles } from '../files.js';
import type { PictureCodecs } from '../pictures/codecs.js';
import { BlockDataset } from '../store/block-dataset.js';
import { readEpisodesV2 } from './episodes-v2.js';
import { readEpisodesV3 } from './episodes-v3.js';
import { readInfo } from './info.js';
import type { DataFile, EpisodePlace } from './layout.js';
import { LeRobotStore } from './lerobot-store.js';
import { readStatistics, statisticsPath } from './statistics-json.js';

export interface OpenLeRobot {
  readonly codecs: PictureCodecs;
  readonly cacheBytes: number;
  readonly tolerance: number;
}

/** A LeRobot data set, v2.0 to v3.0, whole or not. Reads metadata alone. @throws DatasetError */
export async function openLeRobot(files: DatasetFiles, { codecs, cacheBytes, tolerance }: OpenLeRobot): Promise<BlockDataset> {
  const info = await readInfo(files);
  const { features, fps, robot, version } = info;
  const places = version === 'v3.0' ? await readEpisodesV3(files, info) : await readEpisodesV2(files, info);
  const frames = places.at(-1)?.to ?? 0;
  if (places.length !== info.episodes || frames !== info.frames) {
    throw new DatasetError(
      `meta/info.json: expected ${info.episodes} episodes of ${info.frames} frames in all, as it says, found ${places.length} of ${frames} in the ` +
        'list of episodes. Download meta/ again, as a whole.',
    );
  }
  const absent = new Set<string>();
  const episodes = places.map((place): DatasetEpisode => {
    const missing = missingParts(files, features, place);
    for (const { file } of missing) absent.add(file);
    return { index: place.index, from: place.from, to: place.to, tasks: place.tasks, missing };
  });
  const statistics = await readStatistics(files, features, frames);
  const { leftOut } = info;
  const warnings =
    leftOut.length === 0 ? [] : [`meta/info.json: features that are neither numbers nor pictures are left out: ${listed(leftOut)}`];
  const facts = {
    name: files.name,
    format: `lerobot-${version}`,
    fps,
    robot,
    features,
    episodes,
    missing: [...absent],
    warnings,
    statistics,
    statisticsFile: statisticsPath(files),
  };
  const videos = places.map((place) => place.videos);
  const store = new LeRobotStore({ files, fps, tolerance, episodes, data: dataFiles(places), videos, codecs });
  return new BlockDataset(facts, store, codecs, cacheBytes);
}

function missingParts(files: DatasetFiles, features: readonly DatasetFeature[], place: EpisodePlace): MissingPart[] {
  return features.flatMap(({ name, kind }): MissingPart[] => {
    const file = kind === 'video' ? place.videos.get(name)?.path : place.data;
    if (file === undefined) return [{ feature: name, file: `meta/episodes: "videos/${name}/file_index"` }];
    return files.has(file) ? [] : [{ feature: name, file }];
  });
}

/** Files with the rows that they hold. @throws DatasetError where the rows of a file do not follow each other. */
function dataFiles(places: readonly EpisodePlace[]): DataFile[] {
  const files: { path: string; from: number; to: number }[] = [];
  const seen = new Set<string>();
  for (const { data: path, from, to, index } of places) {
    const last = files.at(-1);
    if (last?.path === path) last.to = to;
    else if (seen.has(path)) {
      throw new DatasetError(
        `${path}: expected its episodes one after the other, found episode ${index} behind one of another file. Download meta/ again.`,
      );
    } else {
      files.push({ path, from, to });
      seen.add(path);
    }
  }
  return files;
}
