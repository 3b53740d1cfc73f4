import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import { POSITION_TABLES, predictorTensorShapes } from '../../src/checkpoints/predictor/predictor-tensors.js';
import { loadPredictorCheckpoint } from '../../src/checkpoints/predictor/read-predictor.js';
import type { DecisionShape } from '../../src/decision/decision-input.js';
import { inputLayout } from '../../src/decision/decision-upload.js';
import { recordDecision } from '../../src/decision/record-decision.js';
import { decisionRuns } from '../../src/decision/segments.js';
import { transformerStart } from '../../src/decision/starts/transformer.js';
import { loadPredictor } from '../../src/networks/predictor/predictor.js';
import { loadUnet, residualBlockShapes } from '../../src/networks/unet/unet.js';
import type { WeightLoader, WeightSource } from '../../src/ops/weight-source.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { SegmentRun } from '../../src/runtime/plan.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import { type FillPart, Uploader } from '../../src/runtime/uploader.js';
import type { PredictorShape, UnetShape } from '../../src/spec/network-shapes.js';
import type { Precision } from '../../src/spec/precision.js';
import { SYNTHETIC_OBSERVATIONS, type SyntheticSize, syntheticPredictor, syntheticUnet } from '../../src/synthetic/checkpoint.js';
import { smallWord } from './fill.js';
import { NetworkWork, PREDICTOR_PREFIX } from './work.js';

/** Which decision is taken apart. */
export interface DecisionChoice {
  readonly size: SyntheticSize;
  readonly precision: Precision;
  readonly batch: number;
  readonly horizon: number;
  /** U-Net evaluations. */
  readonly steps: number;
}

/** The real decision, recorded over networks whose buffers have their sizes but no contents. */
export interface RecordedDecision {
  readonly choice: DecisionChoice;
  readonly builder: PlanBuilder;
  /** Segments in the order of a decision; the one that belongs to denoising steps as often as there are steps. */
  readonly runs: readonly SegmentRun[];
  readonly work: NetworkWork;
  /** Bytes that hold weights, of each buffer and texture of the networks. */
  readonly sizes: ReadonlyMap<GPUBuffer | GPUTexture, number>;
  /** Residual blocks: each of them reads its share of a FiLM row. */
  readonly filmBlocks: number;
  destroy(): void;
}

/** Rows of the FiLM table: every step has one of its own, and building it costs time at load. */
const TIMESTEPS = 16;

/** Words of a piece that textures are filled with again and again. */
const PIECE_WORDS = 1 << 16;

/**
 * Creates what holds weights in its right size, and packs nothing: recording depends on sizes alone. Buffers stay empty,
 * they can be filled on the device. Textures cannot: they get small random values right away.
 */
class SizingUploader extends Uploader {
  /** Bytes asked for; a texture has whole rows, and so more. */
  readonly sizes = new Map<GPUBuffer | GPUTexture, number>();
  readonly #piece: Uint32Array;

  constructor(device: ComputeDevice, precision: Precision) {
    super(device);
    this.#piece = Uint32Array.from({ length: PIECE_WORDS }, (_, index) => smallWord(index, precision === 'f32' ? 'floats' : 'words'));
  }

  override async upload(label: string, wordCount: number): Promise<GPUBuffer> {
    const buffer = await this.allocate(label, wordCount * 4);
    this.sizes.set(buffer, wordCount * 4);
    return buffer;
  }

  override async uploadTexture(label: string, width: number, wordCount: number): Promise<GPUTexture> {
    const repeat: FillPart = (words) => {
      for (let at = 0; at < words.length; at += PIECE_WORDS) words.set(this.#piece.subarray(0, words.length - at), at);
    };
    const texture = await super.uploadTexture(label, width, wordCount, repeat);
    this.sizes.set(texture, wordCount * 4);
    return texture;
  }
}

/** Records the decision of a synthetic policy with its predictor, as the policy would. */
export async function recordSynthetic(device: ComputeDevice, choice: DecisionChoice): Promise<RecordedDecision> {
  const { size, precision, batch, horizon, steps } = choice;
  const unetShape: UnetShape = { ...syntheticUnet(size), horizon };
  const { config } = await loadPredictorCheckpoint(syntheticPredictor());
  const predictorShape: PredictorShape = { ...config, horizon, historySteps: horizon };
  const uploader = new SizingUploader(device, precision);
  const loader = (prefix: string, shapes: ReadonlyMap<string, readonly number[]>): WeightLoader => ({
    source: zeroSource(prefix, shapes),
    uploader,
    precision,
  });
  try {
    const unet = await loadUnet(loader('', unetTensorShapes(unetShape)), unetShape, TIMESTEPS);
    const positions = POSITION_TABLES.map((name): [string, number[]] => [name, [horizon, predictorShape.modelDim]]);
    const network = await loadPredictor(
      loader(PREDICTOR_PREFIX, new Map([...predictorTensorShapes(predictorShape), ...positions])),
      predictorShape,
    );
    const frameWidth = SYNTHETIC_OBSERVATIONS.reduce((sum, feature) => sum + feature.size, 0);
    const observationStatistics = await uploader.allocate('observation statistics', frameWidth * 16);
    const actionStatistics = await uploader.allocate('action statistics', unetShape.actionDim * 16);
    const shape: DecisionShape = {
      batch,
      observationSteps: predictorShape.observationSteps,
      frameWidth,
      horizon,
      actionDim: unetShape.actionDim,
      maxSteps: steps,
      maxNoiseRows: 0,
    };
    const layout = inputLayout(shape);
    const builder = new PlanBuilder(device);
    const { offsets } = recordDecision(
      builder,
      {
        device,
        unet,
        predictor: transformerStart(network),
        observationStatistics,
        actionStatistics,
        bytes: uploader.bytes,
        destroy: () => uploader.destroy(),
      },
      shape,
      layout,
    );
    return {
      choice,
      builder,
      runs: decisionRuns(steps, true, (step) => {
        const values = builder.offsetValues();
        offsets.choose(values, { step, timestep: step, noiseRow: 0 });
        return values;
      }),
      work: new NetworkWork(unetShape, predictorShape),
      sizes: uploader.sizes,
      filmBlocks: residualBlockShapes(unetShape).length,
      destroy: () => uploader.destroy(),
    };
  } catch (error) {
    uploader.destroy();
    throw error;
  }
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
