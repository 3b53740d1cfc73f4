import { loadUnetWeights } from '../../networks/unet/unet.js';
import type { LoadMethod } from './denoiser-network.js';
import { levelDenoiser } from './unet-denoiser.js';

/** SDP: a U-Net that embeds a vector of levels; every row has coefficients of its own. */
export const loadStreaming: LoadMethod<'streaming_diffusion'> = async (loader, { type, unet }, onBlock) =>
  levelDenoiser(loader.uploader.device, type, await loadUnetWeights(loader, unet, onBlock), { perSlot: true });
