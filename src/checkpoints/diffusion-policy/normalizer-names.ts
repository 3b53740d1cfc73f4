import type { StoredNames } from '../lerobot/tensor-names.js';

/** What names of Diffusion Policy's LinearNormalizer begin with. */
export const PREFIX = 'normalizer.params_dict.';

export function hasDiffusionPolicyNormalizer(names: StoredNames): boolean {
  return [...names.keys()].some((name) => name.startsWith(PREFIX));
}
