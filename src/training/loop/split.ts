import type { Dataset } from '../../datasets/dataset.js';
import { permutation } from './draws.js';

/** Indices of episodes: those that are learned from, and those that nothing is learned from. */
export interface Split {
  readonly training: readonly number[];
  readonly validation: readonly number[];
}

/** Below this many episodes none can be spared. */
const LEAST_EPISODES = 3;

/**
 * Parts the episodes that have all of `features`: about `fraction` of them, drawn by the seed, are held back; at least one where any are to
 * be and there are three or more.
 */
export function splitEpisodes({ episodes }: Pick<Dataset, 'episodes'>, features: readonly string[], fraction: number, seed: number): Split {
  const usable = episodes.filter(({ missing }) => !missing.some(({ feature }) => feature === '*' || features.includes(feature)));
  const indices = usable.map(({ index }) => index);
  const held = fraction > 0 && indices.length >= LEAST_EPISODES ? Math.max(1, Math.round(fraction * indices.length)) : 0;
  const order = permutation(indices.length, { seed, purpose: 'split', step: 0 });
  const validation = new Set(Array.from(order.subarray(0, held), (at) => indices[at] as number));
  return { training: indices.filter((index) => !validation.has(index)), validation: indices.filter((index) => validation.has(index)) };
}

/** At most `most` of the anchors, spread evenly. */
export function spread(anchors: Int32Array, most: number): Int32Array {
  if (anchors.length <= most) return anchors;
  return Int32Array.from({ length: most }, (_, i) => anchors[Math.floor((i * anchors.length) / most)] as number);
}
