import { CheckpointError } from '../../foundation/errors.js';
import type { PredictorShape } from '../../spec/network-shapes.js';
import { checkTensors, type ExpectedTensor, type NamedTensors } from '../named-tensors.js';

/** Position tables: buffers, stored with more rows than a configuration uses. */
const ACTION_POSITIONS = 'pos_encoder_action.pe';
const OBSERVATION_POSITIONS = 'pos_encoder_obs.pe';

/**
 * Every trained tensor of STEP's action predictor and its shape (model/action_predictor/action_predictor_transformer.py
 * of the STEP release). Linear layers are [out, in]; in_proj stacks query, key and value.
 */
export function predictorTensorShapes(config: PredictorShape): Map<string, number[]> {
  return new Map([...expectedPredictorTensors(config)].map(([name, { shape }]) => [name, [...shape]]));
}

/** Checks all tensors of the predictor, and that the position tables reach as far as the configuration reads. */
export function checkPredictorTensors(weights: NamedTensors, config: PredictorShape): void {
  checkTensors(weights, expectedPredictorTensors(config));
  // Queries take positions 0 … horizon − 1 of the table that the history also uses.
  checkPositions(weights, ACTION_POSITIONS, config, Math.max(config.historySteps, config.horizon), 'history_steps and horizon');
  checkPositions(weights, OBSERVATION_POSITIONS, config, config.observationSteps, 'n_obs_steps');
}

/** Names of the position tables, which are read but not trained. */
export const POSITION_TABLES: readonly string[] = [ACTION_POSITIONS, OBSERVATION_POSITIONS];

function checkPositions(weights: NamedTensors, name: string, config: PredictorShape, rows: number, because: string): void {
  const found = weights.shape(name);
  const [first = 0, length = 0] = found ?? [];
  const isLongEnough = first === 1 && length >= rows && found?.at(-1) === config.modelDim && found.length === 3;
  if (!isLongEnough) {
    const instead = found === undefined ? 'no such tensor' : `shape [${found.join(', ')}]`;
    throw new CheckpointError(
      `${weights.locate(name)}: expected shape [1, rows, ${config.modelDim}] with at least ` +
        `${rows} rows (from ${because} in config.json), found ${instead}. ` +
        'Check that config.json belongs to this model.',
    );
  }
  checkTensors(weights, new Map([[name, { shape: found, because }]]));
}

function expectedPredictorTensors(config: PredictorShape): Map<string, ExpectedTensor> {
  const { actionDim, observationDim, horizon, modelDim, feedforwardDim } = config;
  const expected = new Map<string, ExpectedTensor>();
  const linear = (name: string, inDim: number, outDim: number, because: string): void => {
    expected.set(`${name}.weight`, { shape: [outDim, inDim], because });
    expected.set(`${name}.bias`, { shape: [outDim], because });
  };
  const layerNorm = (name: string): void => {
    expected.set(`${name}.weight`, { shape: [modelDim], because: 'd_model' });
    expected.set(`${name}.bias`, { shape: [modelDim], because: 'd_model' });
  };
  const attention = (name: string): void => {
    expected.set(`${name}.in_proj_weight`, { shape: [3 * modelDim, modelDim], because: 'd_model' });
    expected.set(`${name}.in_proj_bias`, { shape: [3 * modelDim], because: 'd_model' });
    linear(`${name}.out_proj`, modelDim, modelDim, 'd_model');
  };
  const feedforward = (first: string, second: string): void => {
    linear(first, modelDim, feedforwardDim, 'd_model and dim_feedforward');
    linear(second, feedforwardDim, modelDim, 'd_model and dim_feedforward');
  };

  expected.set('action_query', { shape: [1, horizon, modelDim], because: 'horizon and d_model' });
  linear('prev_action_embed', actionDim, modelDim, 'action_dim and d_model');
  linear('obs_embed', observationDim, modelDim, 'obs_dim and d_model');
  for (let i = 0; i < config.encoderLayers; i++) {
    const layer = `cond_encoder.layers.${i}`;
    attention(`${layer}.self_attn`);
    feedforward(`${layer}.linear1`, `${layer}.linear2`);
    layerNorm(`${layer}.norm1`);
    layerNorm(`${layer}.norm2`);
  }
  for (let i = 0; i < config.decoderLayers; i++) {
    const layer = `cross_attention_layers.${i}`;
    attention(`${layer}.self_attn`);
    attention(`${layer}.cross_attn`);
    feedforward(`${layer}.ffn.0`, `${layer}.ffn.3`);
    for (const norm of ['norm1', 'norm2', 'norm3']) layerNorm(`${layer}.${norm}`);
  }
  layerNorm('output_norm');
  linear('output_proj', modelDim, actionDim, 'action_dim and d_model');
  return expected;
}
