import { diffusionPolicyName } from '../../checkpoints/lerobot/tensor-names.js';
import type { LevelEncoding, UnetShape } from '../../spec/network-shapes.js';
import { type UnetNaming, unetParameters, unetRequests } from '../unet/parameters.js';
import type { NetworkParameters } from './method.js';

/**
 * A U-Net of a method: its tensors have the names of Diffusion Policy's, as the methods' own code has them. `keys`: what its keys in the layout
 * begin with, where it is not the only U-Net there.
 */
export function methodUnet(shape: UnetShape, prefix = '', keys = ''): NetworkParameters & { readonly naming: UnetNaming } {
  const naming: UnetNaming = { tensorName: (name) => diffusionPolicyName(prefix, name), keys };
  return { naming, requests: unetRequests(shape, naming), parameters: unetParameters(shape, naming) };
}

/** The levels of all rows of a chunk, side by side (streaming diffusion). */
export function slotLevels(horizon: number): LevelEncoding {
  return { embeddings: 1, joined: horizon, layers: [3, 5], rounded: true };
}
