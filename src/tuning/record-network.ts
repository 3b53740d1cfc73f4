import { unetTensorShapes } from '../checkpoints/lerobot/unet-tensors.js';
import { POSITION_TABLES, predictorTensorShapes } from '../checkpoints/predictor/predictor-tensors.js';
import { loadPredictorCheckpoint } from '../checkpoints/predictor/read-predictor.js';
import type { DecisionShape } from '../decision/decision-input.js';
import { inputLayout } from '../decision/decision-upload.js';
import type { PolicyNetworks } from '../decision/networks.js';
import { recordDecision } from '../decision/record-decision.js';
import { decisionRuns } from '../decision/segments.js';
import { transformerStart } from '../decision/starts/transformer.js';
import { loadPredictor } from '../networks/predictor/predictor.js';
import { loadUnet } from '../networks/unet/unet.js';
import type { WeightLoader, WeightSource } from '../ops/weight-source.js';
import type { ComputeDevice } from '../runtime/device.js';
import { type BuildTarget, type Dispatch, PlanBuilder } from '../runtime/plan-builder.js';
import type { PredictorShape, UnetShape } from '../spec/network-shapes.js';
import type { Precision } from '../spec/precision.js';
import { SYNTHETIC_OBSERVATIONS, type SyntheticSize, syntheticPredictor, syntheticUnet } from '../synthetic/checkpoint.js';
import { SharingUploader } from './sharing-uploader.js';

export interface NetworkChoice {
  readonly size: SyntheticSize;
  readonly precision: Precision;
  readonly horizon: number;
}

/** A convolution of a decision, cut in one way. */
export interface RecordedConvolution {
  readonly dispatch: Dispatch;
  /** Of the plan that it was recorded into. */
  readonly shapes: PlanBuilder['shapes'];
  /** Dispatches of the same key in a decision of STEP. */
  readonly uses: number;
}

/** The synthetic network with its predictor, whose decision can be recorded again for other variants. */
export interface TunableNetwork {
  /** The convolutions of a decision, one for each key of a table of variants. */
  record(target: BuildTarget): ReadonlyMap<string, RecordedConvolution>;
  destroy(): void;
}

/** U-Net evaluations of a decision of STEP. */
const EVALUATIONS = 2;
/** Rows of the FiLM table: recording does not depend on their number. */
const TIMESTEPS = 2;

/** Makes the network without contents, and nothing else: what is measured gets weights of its own. */
export async function loadTunableNetwork(device: ComputeDevice, { size, precision, horizon }: NetworkChoice): Promise<TunableNetwork> {
  const unetShape: UnetShape = syntheticUnet(size, horizon);
  const { config: predictorShape } = await loadPredictorCheckpoint(syntheticPredictor(horizon));
  const uploader = new SharingUploader(device);
  const loader = (shapes: ReadonlyMap<string, readonly number[]>): WeightLoader => ({ source: zeroSource(shapes), uploader, precision });
  try {
    const frameWidth = SYNTHETIC_OBSERVATIONS.reduce((sum, feature) => sum + feature.size, 0);
    const networks: PolicyNetworks = {
      device,
      unet: await loadUnet(loader(unetTensorShapes(unetShape)), unetShape, TIMESTEPS),
      predictor: transformerStart(await loadPredictor(loader(predictorTensors(predictorShape)), predictorShape)),
      observationStatistics: await uploader.allocate('observation statistics', frameWidth * 16),
      actionStatistics: await uploader.allocate('action statistics', unetShape.actionDim * 16),
      bytes: uploader.bytes,
      destroy: () => uploader.destroy(),
    };
    const shape: DecisionShape = {
      batch: 1,
      observationSteps: predictorShape.observationSteps,
      frameWidth,
      horizon,
      actionDim: unetShape.actionDim,
      maxSteps: EVALUATIONS,
      maxNoiseRows: 0,
    };
    const record = (target: BuildTarget): ReadonlyMap<string, RecordedConvolution> => {
      const builder = new PlanBuilder(target);
      recordDecision(builder, networks, shape, inputLayout(shape));
      return convolutionsOf(builder);
    };
    return { record, destroy: networks.destroy };
  } catch (error) {
    uploader.destroy();
    throw error;
  }
}

function convolutionsOf(builder: PlanBuilder): Map<string, RecordedConvolution> {
  const { shapes } = builder;
  const found = new Map<string, RecordedConvolution>();
  const segments = new Map(builder.segments.map(({ name, dispatches }) => [name, dispatches]));
  for (const { segment } of decisionRuns(EVALUATIONS, true)) {
    for (const dispatch of segments.get(segment) ?? []) {
      if (dispatch.variant === undefined) continue;
      const known = found.get(dispatch.variant) ?? { dispatch, shapes, uses: 0 };
      found.set(dispatch.variant, { ...known, uses: known.uses + 1 });
    }
  }
  return found;
}

function predictorTensors(shape: PredictorShape): Map<string, readonly number[]> {
  const positions = POSITION_TABLES.map((name): [string, number[]] => [name, [shape.horizon, shape.modelDim]]);
  return new Map([...predictorTensorShapes(shape), ...positions]);
}

/** Tensors of zeros: views of one array, whose pages nobody touches. */
function zeroSource(shapes: ReadonlyMap<string, readonly number[]>): WeightSource {
  const elements = (name: string): number => (shapes.get(name) ?? []).reduce((product, size) => product * size, 1);
  const zeros = new Float32Array(Math.max(...[...shapes.keys()].map(elements)));
  return { locate: (name) => name, readFloats: async (name) => zeros.subarray(0, elements(name)) };
}
