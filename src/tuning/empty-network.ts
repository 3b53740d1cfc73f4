import { unetTensorShapes } from '../checkpoints/lerobot/unet-tensors.js';
import { POSITION_TABLES, predictorTensorShapes } from '../checkpoints/predictor/predictor-tensors.js';
import { loadPredictorCheckpoint } from '../checkpoints/predictor/read-predictor.js';
import type { DecisionShape } from '../decision/decision-input.js';
import type { PolicyNetworks } from '../decision/networks.js';
import { transformerStart } from '../decision/starts/transformer.js';
import { loadPredictor } from '../networks/predictor/predictor.js';
import { loadUnet } from '../networks/unet/unet.js';
import type { WeightLoader, WeightSource } from '../ops/weight-source.js';
import type { ComputeDevice } from '../runtime/device.js';
import type { Uploader } from '../runtime/uploader.js';
import type { PredictorShape, UnetShape } from '../spec/network-shapes.js';
import type { Precision } from '../spec/precision.js';
import { SYNTHETIC_OBSERVATIONS, type SyntheticSize, syntheticPredictor, syntheticUnet } from '../synthetic/checkpoint.js';

export interface EmptyNetworkChoice {
  readonly size: SyntheticSize;
  readonly precision: Precision;
  /** Rows of a chunk. */
  readonly horizon: number;
  /** Rows of the FiLM table, of which every denoising step reads one: building it costs time. */
  readonly timesteps: number;
}

/** A synthetic policy with its predictor, of the right sizes and without contents. */
export interface EmptyNetwork {
  readonly unetShape: UnetShape;
  readonly predictorShape: PredictorShape;
  readonly networks: PolicyNetworks;
  /** What one of its decisions is made of. */
  decisionShape(batch: number, maxSteps: number): DecisionShape;
}

/**
 * Loads it: recording a decision depends on sizes alone. What `uploader` allocates is freed with `networks.destroy()`, also
 * where loading fails. Tensors of the predictor are named with `predictorPrefix` in front.
 */
export async function loadEmptyNetwork(
  device: ComputeDevice,
  uploader: Uploader,
  { size, precision, horizon, timesteps }: EmptyNetworkChoice,
  predictorPrefix = '',
): Promise<EmptyNetwork> {
  const unetShape = syntheticUnet(size, horizon);
  const { config: predictorShape } = await loadPredictorCheckpoint(syntheticPredictor(horizon));
  const frameWidth = SYNTHETIC_OBSERVATIONS.reduce((sum, feature) => sum + feature.size, 0);
  const loader = (shapes: ReadonlyMap<string, readonly number[]>, prefix = ''): WeightLoader => ({
    source: zeroSource(prefix, shapes),
    uploader,
    precision,
  });
  try {
    const unet = await loadUnet(loader(unetTensorShapes(unetShape)), unetShape, timesteps);
    const predictor = await loadPredictor(loader(predictorTensors(predictorShape), predictorPrefix), predictorShape);
    const networks: PolicyNetworks = {
      device,
      unet,
      predictor: transformerStart(predictor),
      observationStatistics: await uploader.allocate('observation statistics', frameWidth * 16),
      actionStatistics: await uploader.allocate('action statistics', unetShape.actionDim * 16),
      bytes: uploader.bytes,
      parameters: new Map(),
      destroy: () => uploader.destroy(),
    };
    const { actionDim } = unetShape;
    const { observationSteps } = predictorShape;
    const decisionShape = (batch: number, maxSteps: number): DecisionShape => ({
      batch,
      observationSteps,
      frameWidth,
      horizon,
      actionDim,
      maxSteps,
      maxNoiseRows: 0,
    });
    return { unetShape, predictorShape, networks, decisionShape };
  } catch (error) {
    uploader.destroy();
    throw error;
  }
}

function predictorTensors(shape: PredictorShape): Map<string, readonly number[]> {
  const positions = POSITION_TABLES.map((name): [string, number[]] => [name, [shape.horizon, shape.modelDim]]);
  return new Map([...predictorTensorShapes(shape), ...positions]);
}

/** Tensors of zeros: views of one array, whose pages nobody touches. Buffers get the tensors' names. */
function zeroSource(prefix: string, shapes: ReadonlyMap<string, readonly number[]>): WeightSource {
  const elements = (name: string): number => (shapes.get(name) ?? []).reduce((product, size) => product * size, 1);
  const zeros = new Float32Array(Math.max(...[...shapes.keys()].map(elements)));
  return {
    locate: (name) => prefix + name,
    readFloats: async (name) => {
      if (!shapes.has(name)) throw new TypeError(`the synthetic network has no tensor "${prefix}${name}"`);
      return zeros.subarray(0, elements(name));
    },
  };
}
