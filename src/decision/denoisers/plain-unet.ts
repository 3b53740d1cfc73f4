import { loadUnetWeights } from '../../networks/unet/unet.js';
import type { LoadMethod } from './denoiser-network.js';
import { levelDenoiser } from './unet-denoiser.js';

/**
 * A method whose network is a U-Net and nothing beside it: Consistency Policy's student, whose two embeddings are a row of the table and whose
 * scalings are coefficients of its steps, and OneDP's generator.
 */
export const loadPlainUnet: LoadMethod<'consistency_policy' | 'onedp'> = async (loader, { type, unet }, onBlock) =>
  levelDenoiser(loader.uploader.device, type, await loadUnetWeights(loader, unet, onBlock));
