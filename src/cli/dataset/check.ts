import { statisticsContradictions } from '../../datasets/check-statistics.js';
import type { DatasetEpisode, DatasetFeature, StoredDataset } from '../../datasets/dataset.js';

/** What a data set was found to be when all of it was read. */
export interface CheckResult {
  readonly rows: number;
  readonly pictures: number;
  /** In words, a fault each. */
  readonly problems: readonly string[];
  /** Further ones that are counted alone. */
  readonly unlisted: number;
}

const MOST_PROBLEMS = 200;
/** Of a feature in an episode: what is wrong with all of its frames shall not hide other episodes. */
const MOST_OF_EPISODE = 50;

/** Reads everything that is there, episode by episode, and goes on behind what is damaged; then holds statistics to the rows of features that are not. */
export async function checkAll(dataset: StoredDataset, onEpisode: (episode: number) => void, signal: AbortSignal): Promise<CheckResult> {
  const good = { vectors: 0, pictures: 0 };
  const problems = new Set<string>();
  let unlisted = 0;
  const add = (problem: string, isListed = true): void => {
    if (problems.has(problem)) return;
    if (isListed && problems.size < MOST_PROBLEMS) problems.add(problem);
    else unlisted++;
  };
  const damaged = new Set<DatasetFeature>();
  const read = async (feature: DatasetFeature, { from, to }: DatasetEpisode): Promise<void> => {
    let found = 0;
    for await (const part of dataset.check(feature.name, from, to, signal)) {
      good[feature.kind === 'vector' ? 'vectors' : 'pictures'] += part.good;
      for (const fault of part.faults) add(fault, found++ < MOST_OF_EPISODE);
    }
    if (found > 0) damaged.add(feature);
  };
  for (const episode of dataset.episodes) {
    signal.throwIfAborted();
    onEpisode(episode.index);
    for (const feature of dataset.features) {
      if (!episode.missing.some((part) => part.feature === feature.name)) await read(feature, episode);
    }
  }
  for (const feature of dataset.features) {
    if (feature.kind !== 'vector' || damaged.has(feature)) continue;
    for (const contradiction of await statisticsContradictions(dataset, feature, signal)) add(contradiction);
  }
  return { rows: good.vectors, pictures: good.pictures, problems: [...problems], unlisted };
}
