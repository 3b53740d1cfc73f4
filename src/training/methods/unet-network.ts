import { diffusionPolicyName } from '../../checkpoints/lerobot/tensor-names.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import { type LevelEmbedding, type UnetVariant, unetParameters, unetRequests } from '../unet/parameters.js';
import type { NetworkParameters } from './method.js';

/** Layers of the encoder of levels: with the sinusoids of all rows, the module has two more before them. */
const SLOT_LAYERS: Readonly<Record<string, string>> = { '1': '3', '3': '5' };

/** A U-Net of a method: its tensors have the names of Diffusion Policy's, as the methods' own code has them. */
export function methodUnet(shape: UnetShape, levels: LevelEmbedding, prefix = ''): NetworkParameters & { readonly variant: UnetVariant } {
  const tensorName = (name: string): string => {
    const own = diffusionPolicyName(prefix, name);
    if (levels !== 'slots') return own;
    return own.replace(/(diffusion_step_encoder\.)(\d)/, (_all, module: string, layer: string) => module + SLOT_LAYERS[layer]);
  };
  const variant: UnetVariant = { levels, tensorName };
  return { variant, requests: unetRequests(shape, variant), parameters: unetParameters(shape, variant) };
}
