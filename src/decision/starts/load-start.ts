import type { StartCheckpoint } from '../../checkpoints/types.js';
import { loadCvae } from '../../networks/cvae/cvae.js';
import { loadPredictor } from '../../networks/predictor/predictor.js';
import { loadLinear } from '../../ops/conv1d.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import { cvaeStart } from './cvae.js';
import type { Start } from './start.js';
import { transformerStart } from './transformer.js';

/** Brings the network of a start to the device. Imported by `import()` alone, so that programs without one need not carry it. */
export async function loadStart(predictor: StartCheckpoint, loader: WeightLoader): Promise<Start> {
  const { observation } = predictor;
  const width = observation.kind === 'raw' ? observation.width : 0;
  if (predictor.kind === 'cvae') return cvaeStart(await loadCvae(loader, predictor.config), width);
  const { observationDim } = predictor.config;
  const network = await loadPredictor(loader, predictor.config);
  if (width === 0) return transformerStart(network);
  const projection = width === observationDim ? undefined : await loadLinear(loader, 'obs_proj', width, observationDim);
  return transformerStart(network, { width, projection });
}
