import { REHEARSED } from '../../src/decision/decision-input.js';
import type { DecisionOffsets } from '../../src/decision/decision-offsets.js';
import { inputLayout } from '../../src/decision/decision-upload.js';
import { recordDecision } from '../../src/decision/record-decision.js';
import { decisionRuns } from '../../src/decision/segments.js';
import type { SolverStep } from '../../src/diffusion/solver-step.js';
import { residualBlockShapes } from '../../src/networks/unet/unet.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { SegmentRun } from '../../src/runtime/plan.js';
import { type BuildTarget, PlanBuilder } from '../../src/runtime/plan-builder.js';
import { type FillPart, Uploader } from '../../src/runtime/uploader.js';
import { type TunedTiling, VARIANT_TABLE_VERSION, type VariantTable } from '../../src/runtime/variant-table.js';
import type { Precision } from '../../src/spec/precision.js';
import type { SyntheticSize } from '../../src/synthetic/checkpoint.js';
import { fitsShape } from '../../src/tuning/candidates.js';
import type { PictureChoice } from '../../src/tuning/empty-encoder.js';
import { loadEmptyNetwork } from '../../src/tuning/empty-network.js';
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
  /** Take the image encoder apart instead, with `batch` pictures. */
  readonly picture?: PictureChoice | undefined;
  /** How convolutions are cut, where they can be cut so. Default: as the device's variants say. */
  readonly tiling?: TunedTiling | undefined;
}

/** The real decision, recorded over networks whose buffers have their sizes but no contents. */
export interface RecordedDecision {
  readonly choice: DecisionChoice;
  readonly builder: PlanBuilder;
  /** Segments in the order of a decision; the one that belongs to denoising steps as often as there are steps. */
  readonly runs: readonly SegmentRun[];
  readonly work: Pick<NetworkWork, 'matrix'>;
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
export class SizingUploader extends Uploader {
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

function targetOf({ deviceClass, halfLoads, subgroupSize }: ComputeDevice): Omit<BuildTarget, 'variants'> {
  return { deviceClass, halfLoads, subgroupSize };
}

/** A table that cuts every convolution of a recording in one way, where its shape allows it. */
function tableOf(builder: PlanBuilder, tiling: TunedTiling): VariantTable {
  const keys = builder.segments.flatMap(({ dispatches }) => dispatches.flatMap(({ variant }) => variant ?? []));
  const convolutions = Object.fromEntries(
    keys.flatMap((key) => {
      const [, inChannels = '0', outChannels = '0'] = / (\d+)x(\d+) /.exec(key) ?? [];
      return fitsShape(tiling, { inChannels: Number(inChannels), outChannels: Number(outChannels) }) ? [[key, tiling]] : [];
    }),
  );
  return { version: VARIANT_TABLE_VERSION, adapter: 'any', convolutions };
}

/** Records the decision of a synthetic policy with its predictor, as the policy would. */
export async function recordSynthetic(device: ComputeDevice, choice: DecisionChoice): Promise<RecordedDecision> {
  const { size, precision, batch, horizon, steps } = choice;
  const uploader = new SizingUploader(device, precision);
  const made = await loadEmptyNetwork(device, uploader, { size, precision, horizon, timesteps: TIMESTEPS }, PREDICTOR_PREFIX);
  const { unetShape, predictorShape, networks } = made;
  try {
    const shape = made.decisionShape(batch, steps);
    const record = (target: BuildTarget): { builder: PlanBuilder; offsets: DecisionOffsets } => {
      const recording = new PlanBuilder(target);
      return { builder: recording, offsets: recordDecision(recording, networks, shape, inputLayout(shape)).offsets };
    };
    const { tiling } = choice;
    const { builder, offsets } = record(tiling ? { ...targetOf(device), variants: tableOf(record(device).builder, tiling) } : device);
    return {
      choice,
      builder,
      runs: decisionRuns(steps, true, (step) => {
        const values = builder.offsetValues();
        offsets.choose(values, { index: step, step: { ...(REHEARSED.steps[0] as SolverStep), timestep: step }, noiseRow: 0 });
        return values;
      }),
      work: new NetworkWork(unetShape, predictorShape),
      sizes: uploader.sizes,
      filmBlocks: residualBlockShapes(unetShape).length,
      destroy: networks.destroy,
    };
  } catch (error) {
    networks.destroy();
    throw error;
  }
}
