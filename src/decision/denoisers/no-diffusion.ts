import { loadHeads, recordHeads } from '../../networks/heads/heads.js';
import { loadUnetWeights } from '../../networks/unet/unet.js';
import { prefixedLoader } from '../../ops/weight-source.js';
import { asTokens } from '../../runtime/tensor.js';
import type { Start } from '../starts/start.js';
import type { LoadMethod } from './denoiser-network.js';
import { levelDenoiser } from './unet-denoiser.js';

/** NO-Diffusion: heads over the conditioning draw the start (mean + std · noise), and a U-Net makes the chunk of it. */
export const loadNoDiffusion: LoadMethod<'no_diffusion'> = async (loader, { type, unet, hiddenDim }, onBlock) => {
  const heads = await loadHeads(loader, { conditioningDim: unet.conditioningDim, hiddenDim, outputs: unet.horizon * unet.actionDim });
  const start: Start = {
    kind: 'network',
    rowWidth: 0,
    latentDim: 0,
    latentStd: 1,
    record: (builder, { frames, noise }, prediction) => {
      recordHeads(builder, heads, asTokens(frames.buffer, prediction.batch, 1, unet.conditioningDim), noise, prediction);
    },
  };
  return levelDenoiser(loader.uploader.device, type, await loadUnetWeights(prefixedLoader(loader, 'unet.'), unet, onBlock), { start });
};
