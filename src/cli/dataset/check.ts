import type { Dataset, DatasetEpisode, DatasetFeature } from '../../datasets/dataset.js';
import { DatasetError } from '../../foundation/errors.js';

/** What a data set was found to be when all of it was read. */
export interface CheckResult {
  readonly rows: number;
  readonly pictures: number;
  /** In words, an episode's feature each. */
  readonly problems: readonly string[];
}

/** Reads everything that is there, episode by episode; an episode that is damaged does not keep the others from being read. */
export async function checkAll(dataset: Dataset, onEpisode: (episode: number) => void, signal: AbortSignal): Promise<CheckResult> {
  let [rows, pictures] = [0, 0];
  const problems: string[] = [];
  const read = async (feature: DatasetFeature, { from, to }: DatasetEpisode): Promise<void> => {
    if (feature.kind === 'vector') {
      await dataset.readRows(feature.name, from, to);
      rows += to - from;
      return;
    }
    for await (const _ of dataset.readPictures(feature.name, from, to)) {
      signal.throwIfAborted();
      pictures++;
    }
  };
  for (const episode of dataset.episodes) {
    signal.throwIfAborted();
    onEpisode(episode.index);
    for (const feature of dataset.features) {
      if (episode.missing.some((part) => part.feature === feature.name)) continue;
      try {
        await read(feature, episode);
      } catch (error) {
        if (!(error instanceof DatasetError)) throw error;
        if (!problems.includes(error.message)) problems.push(error.message);
      }
    }
  }
  return { rows, pictures, problems };
}
