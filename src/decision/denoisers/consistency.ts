import { loadUnetWeights } from '../../networks/unet/unet.js';
import type { LoadMethod } from './denoiser-network.js';
import { levelDenoiser } from './unet-denoiser.js';

/** The student of Consistency Policy: everything that it does beyond a U-Net with two embeddings is coefficients of its steps. */
export const loadConsistency: LoadMethod<'consistency_policy'> = async (loader, { type, unet }, onBlock) =>
  levelDenoiser(loader.uploader.device, type, await loadUnetWeights(loader, unet, onBlock));
