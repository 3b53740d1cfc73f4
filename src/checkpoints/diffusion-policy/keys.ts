import type { FileFeature, PolicyFeatures } from '../lerobot/features.js';

/** What Diffusion Policy may call a feature that is one of its observations: as config.json says, its name, or the last part of that. */
export function keysOf({ name, keys }: Pick<FileFeature, 'name' | 'keys'>): string[] {
  return [...new Set([...(keys ?? []), name, name.slice(name.lastIndexOf('.') + 1)])];
}

/**
 * Features in the order in which a Diffusion Policy network with images is conditioned on them: that of `shape_meta`, which the input
 * features of config.json follow. Without images the order is LeRobot's, as for the normaliser of all observations.
 */
export function conditioningOrder(features: PolicyFeatures): PolicyFeatures {
  if (features.observations.every(({ sides }) => sides === undefined)) return features;
  return { ...features, observations: [...features.observations].sort((a, b) => a.position - b.position) };
}
