import { loadUnetWeights } from '../../networks/unet/unet.js';
import type { LoadMethod } from './denoiser-network.js';
import { levelDenoiser } from './unet-denoiser.js';

/** OneDP's generator: a U-Net, asked at one timestep. */
export const loadOneDp: LoadMethod<'onedp'> = async (loader, { type, unet }, onBlock) =>
  levelDenoiser(loader.uploader.device, type, await loadUnetWeights(loader, unet, onBlock));
