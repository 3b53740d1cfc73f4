import { fillUniform } from '../diffusion/philox.js';
import { OptionError } from '../foundation/errors.js';
import { checkInteger, checkKeys, checkList, checkMethods, checkObject, keysOf } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';
import type { Dataset, DatasetEpisode } from './dataset.js';

/** Where windows begin and end around their anchor frame. */
export interface WindowLengths {
  /** H: rows of an action window, of which row To − 1 is the action of the anchor frame. */
  readonly horizon: number;
  /** To: frames of an observation window, of which the last is the anchor frame. */
  readonly observationSteps: number;
}

export interface AnchorOptions {
  /** Frames at the end of an episode that are no anchors (`drop_n_last_frames`). Default 0; LeRobot's default for 16, 8, 2 is 7. */
  readonly dropLastFrames?: number;
  /** An episode that misses one of them gives no anchors. Default: all features. */
  readonly features?: readonly string[];
  /** Indices of the episodes that give anchors, for a split into training and validation. Default: all. */
  readonly episodes?: readonly number[];
}

const ANCHOR_OPTIONS = keysOf<AnchorOptions>({ dropLastFrames: true, features: true, episodes: true });

/**
 * Rows of the frames that windows can be built around, in the order of the data set: of an episode [s, e) the rows [s, e − dropped)
 * (LeRobot's `EpisodeAwareSampler`). How long the windows are does not matter, since they are padded.
 * @throws OptionError for a feature or episode that is not in the data set.
 */
export function anchors(dataset: Dataset, options: AnchorOptions = {}): Int32Array {
  checkDataset('anchors', dataset);
  checkKeys('anchors', options, ANCHOR_OPTIONS);
  const { dropLastFrames = 0, features, episodes } = options;
  checkInteger('anchors', 'dropLastFrames', dropLastFrames, 0, 1_000_000);
  if (features !== undefined) {
    checkList('anchors', 'features', features, (name) => {
      if (!dataset.features.some((feature) => feature.name === name)) {
        const known = dataset.features.map((feature) => feature.name).join(', ');
        throw new OptionError(`anchors: expected features of the data set (${known}), found ${shownValue(name)}.`);
      }
    });
  }
  if (episodes !== undefined) {
    const known = new Set(dataset.episodes.map(({ index }) => index));
    checkList('anchors', 'episodes', episodes, (index) => {
      if (!known.has(index)) throw new OptionError(`anchors: the data set has no episode ${shownValue(index)}: choose among its own.`);
    });
  }
  const chosen = episodes === undefined ? undefined : new Set(episodes);
  const wanted = features === undefined ? undefined : new Set(features);
  const used = dataset.episodes.filter(
    ({ index, missing }) => (chosen?.has(index) ?? true) && !missing.some(({ feature }) => wanted === undefined || wanted.has(feature)),
  );
  const counts = used.map(({ from, to }) => Math.max(0, to - from - dropLastFrames));
  const rows = new Int32Array(counts.reduce((sum, count) => sum + count, 0));
  let at = 0;
  used.forEach(({ from }, i) => {
    for (let k = 0; k < (counts[i] as number); k++) rows[at++] = from + k;
  });
  return rows;
}

/** Tells the draws of orders from all other draws of the same seed. */
const PURPOSE_OF_ORDERS = 0x0d3b;

/**
 * A permutation of the numbers 0 … count − 1, a pure function of (seed, epoch): an epoch visits every anchor once, and a run can go
 * on anywhere in it. Fisher–Yates on Philox.
 * @throws OptionError
 */
export function order(count: number, seed: number, epoch: number): Uint32Array {
  checkInteger('order', 'count', count, 0, 2 ** 31 - 1);
  checkInteger('order', 'seed', seed, 0, Number.MAX_SAFE_INTEGER);
  checkInteger('order', 'epoch', epoch, 0, 2 ** 32 - 1);
  const permutation = Uint32Array.from({ length: count }, (_, i) => i);
  const part = new Float64Array(Math.min(count, 4096));
  for (let last = count - 1; last > 0; ) {
    const used = Math.min(part.length, last);
    fillUniform(part, { seed, episode: epoch, decision: last, purpose: PURPOSE_OF_ORDERS });
    for (let k = 0; k < used; k++, last--) {
      const other = Math.min(last, Math.floor((part[k] as number) * (last + 1)));
      const held = permutation[last] as number;
      permutation[last] = permutation[other] as number;
      permutation[other] = held;
    }
  }
  return permutation;
}

/** The episode that a row belongs to; episodes are in the order of their rows. @throws OptionError where there is none. */
export function episodeOf(dataset: Pick<Dataset, 'episodes'>, row: number): DatasetEpisode {
  const { episodes } = checkObject('episodeOf', 'the data set', dataset) as Partial<Dataset>;
  if (!Array.isArray(episodes)) throw new OptionError(`episodeOf: the data set must have episodes, found ${shownValue(episodes)}.`);
  checkInteger('episodeOf', 'the row', row, -(2 ** 53), 2 ** 53);
  let [low, high] = [0, episodes.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const episode = (episodes as readonly DatasetEpisode[])[middle] as DatasetEpisode;
    if (row < episode.from) high = middle - 1;
    else if (row >= episode.to) low = middle + 1;
    else return episode;
  }
  const end = (episodes as readonly DatasetEpisode[]).at(-1)?.to ?? 0;
  throw new OptionError(`row ${shownValue(row)} is in no episode of the data set: choose one from 0 to ${Math.max(0, end - 1)}.`);
}

/** @throws OptionError for what is no open data set. */
export function checkDataset(where: string, dataset: unknown): asserts dataset is Dataset {
  checkMethods(where, 'the data set', dataset, 'an open data set (openDataset)', ['readRows', 'readPicture', 'readPictures']);
  const { episodes, features } = checkObject(where, 'the data set', dataset) as Partial<Dataset>;
  checkList(where, 'the episodes of the data set', episodes as readonly unknown[]);
  checkList(where, 'the features of the data set', features as readonly unknown[]);
}
