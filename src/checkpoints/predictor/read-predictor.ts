import { CheckpointError, UnsupportedCheckpointError } from '../../foundation/errors.js';
import { checkKeys, checkSignal } from '../../foundation/options.js';
import { visible } from '../../foundation/visible.js';
import type { PredictorShape } from '../../spec/network-shapes.js';
import { abortableSource } from '../abortable-source.js';
import { type JsonObject, readJsonObject, shown } from '../json-object.js';
import { storedNames, warnOfUnused } from '../lerobot/tensor-names.js';
import { modelFile } from '../model-file.js';
import { countWeights, FileTensors } from '../named-tensors.js';
import { SafetensorsFile } from '../safetensors/safetensors.js';
import { type CheckpointSource, checkSource } from '../source.js';
import type { LoadOptions, PredictorCheckpoint } from '../types.js';
import { checkPredictorTensors, POSITION_TABLES, predictorTensorShapes } from './predictor-tensors.js';

/**
 * Reads the folder of a STEP predictor (docs/predictor-format.md) and checks all of it but the values of the weights.
 * Takes ownership of the source as loadPolicyCheckpoint does. Throws CheckpointError.
 */
export async function loadPredictorCheckpoint(given: CheckpointSource, options: LoadOptions = {}): Promise<PredictorCheckpoint> {
  checkSource('loadPredictorCheckpoint', 'source', given);
  checkKeys('loadPredictorCheckpoint', options, ['signal']);
  checkSignal('loadPredictorCheckpoint', options.signal);
  const source = abortableSource(given, options.signal);
  try {
    return await load(source, options.signal);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function load(source: CheckpointSource, signal: AbortSignal | undefined): Promise<PredictorCheckpoint> {
  signal?.throwIfAborted();
  const warnings: string[] = [];
  const model = await modelFile(source, await source.list());
  const config = readConfig(await readJsonObject(await source.open('config.json')));
  signal?.throwIfAborted();
  const file = await SafetensorsFile.open(await source.open(model));
  const names = storedNames(file);
  const weights = new FileTensors(file, names);
  checkPredictorTensors(weights, config);
  signal?.throwIfAborted();
  const trained = [...predictorTensorShapes(config).keys()];
  const used = new Set([...trained, ...POSITION_TABLES].map((name) => names.get(name)!));
  warnOfUnused(file, names, used, warnings);
  const { parameters, bytes } = countWeights(weights, trained);
  return {
    name: source.name,
    config,
    weights,
    parameters,
    weightBytes: bytes,
    warnings: warnings.map(visible),
    assertUnchanged: async () => source.assertUnchanged?.(),
    close: () => source.close(),
  };
}

function readConfig(json: JsonObject): PredictorShape {
  if (!json.has('type')) {
    throw new CheckpointError(
      `${json.where}: expected "type" to be "step_predictor", found nothing. If this is a STEP predictor, add the key ` +
        '"type": "step_predictor".',
    );
  }
  if (json.value('type') !== 'step_predictor') {
    throw new UnsupportedCheckpointError(
      `${json.where}: expected "type" to be "step_predictor", found ` +
        `${shown(json.value('type'))}. Give the folder of a STEP predictor.`,
    );
  }
  const config: PredictorShape = {
    actionDim: json.integer('action_dim', {}),
    observationDim: json.integer('obs_dim', {}),
    horizon: json.integer('horizon', { max: 4096 }),
    observationSteps: json.integer('n_obs_steps', { max: 1024 }),
    historySteps: json.integer('history_steps', { max: 4096 }),
    encoderLayers: json.integer('n_encoder_layers', { max: 64 }),
    modelDim: json.integer('d_model', {}),
    heads: json.integer('n_head', {}),
    decoderLayers: json.integer('n_layers', { max: 64 }),
    feedforwardDim: json.integer('dim_feedforward', {}),
  };
  if (config.historySteps > config.horizon) {
    throw new CheckpointError(
      `${json.where}: "history_steps" must be at most "horizon" ${config.horizon}, because the ` +
        `history is the end of the previous chunk; found ${config.historySteps}. Use config.json as training wrote it.`,
    );
  }
  if (config.modelDim % config.heads !== 0) {
    throw new CheckpointError(
      `${json.where}: "n_head" must divide "d_model" ${config.modelDim}, found ${config.heads}. ` + 'Use config.json as training wrote it.',
    );
  }
  return config;
}
