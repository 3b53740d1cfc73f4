import { readCommon } from '../../checkpoints/methods/common-config.js';
import { HEAD_PROBES, noDiffusion } from '../../training/methods/no-diffusion.js';
import { LOSSES_PROBE } from '../../training/plan/recorded-step.js';
import { computeStep, type LossKind } from './loss-kind.js';

/** NO-Diffusion: its loss, the three parts of it, and the trace that its paper prints, which is no part. */
export const NO_DIFFUSION_LOSSES: LossKind = {
  tolerance: () => 8e-6,
  compute: async (device, files) => {
    const { config, batchSize } = files;
    const [hiddenDim, timestep] = [config.integer('hidden_dim', {}), config.integer('timestep', { min: 0 })];
    const method = noDiffusion({ shape: readCommon(config).unet, batchSize, hiddenDim, timestep });
    const actions = await files.floats('action');
    const batch = { count: batchSize, conditioning: await files.conditioning(), actions, noise: await files.floats('noise') };
    const weights = await files.weights('network/model.safetensors');
    const { loss, probes, gradients } = await computeStep(device, method, weights, batch, HEAD_PROBES);
    const [mean, raw] = HEAD_PROBES.map((name) => probes.get(name)) as [Float32Array, Float32Array];
    const parts = probes.get(LOSSES_PROBE) as Float32Array;
    const part = (index: number): number =>
      parts.subarray(index * batchSize, (index + 1) * batchSize).reduce((sum, value) => sum + value, 0) / actions.length;
    const trace = actions.reduce((sum, action, i) => {
      const deviation = Math.log1p(Math.exp(raw[i] as number));
      return sum + (action - (mean[i] as number)) ** 2 - deviation ** 2;
    }, 0);
    return { values: { loss, action: part(0), std: part(1), mean: part(2), trace_as_printed: trace / batchSize }, gradients };
  },
};
