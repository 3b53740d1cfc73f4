import type { LevelEncoding } from '../../spec/network-shapes.js';
import { readClipRange } from './common-config.js';
import type { MethodFolder } from './define.js';

/** Levels are 250 ln T, near ±1000, where f32 costs 7e-5 of the output: their sinusoids are those of float64. */
export const LEVEL_AND_STOP: LevelEncoding = { embeddings: 2, joined: 1, layers: [1, 3], rounded: false };

/** The student of Consistency Policy (CTMConditionalUnet1D): FiLM reads [level; stop; conditioning], one encoder makes both embeddings. */
export const CONSISTENCY_FOLDER: MethodFolder<'consistency_policy'> = {
  type: 'consistency_policy',
  read: (json, common) => {
    json.choice('scaling', ['boundary'], 'boundary');
    if (json.has('time_embeddings') && json.strings('time_embeddings').join() !== 'level,stop') {
      json.fail('time_embeddings', '["level", "stop"]');
    }
    const sigmaMin = json.number('sigma_min', { fallback: 0.02, above: 0, below: 1e6 });
    const bins = json.integer('n_bins', { fallback: 80, min: 2, max: 10_000 });
    const chainingBins = json.integers('chaining_bins', { fallback: [27, 54], max: bins - 1 });
    if (chainingBins.some((bin, i) => bin <= (chainingBins[i - 1] ?? 0))) json.fail('chaining_bins', 'a list of rising bins');
    return {
      type: 'consistency_policy',
      ...common,
      unet: { ...common.unet, levels: LEVEL_AND_STOP },
      sigmaMin,
      sigmaMax: json.number('sigma_max', { fallback: 80, above: sigmaMin, below: 1e6 }),
      sigmaData: json.number('sigma_data', { fallback: 0.5, above: 0, below: 1e6 }),
      rho: json.number('rho', { fallback: 7, above: 0, below: 1e3 }),
      bins,
      clip: readClipRange(json),
      chainingBins,
    };
  },
  unets: () => [''],
};
