import type { Activation } from '../lib/activations.wgsl.js';
import { type ActivationLayout, shapeWords } from '../lib/kernel.js';
import { blockChunks, chunkGroup, type HalfLoads, type WeightPlace, type WeightStorage } from '../lib/weight-storage.wgsl.js';
import type { DirectVector, InputSpace } from './conv-input.wgsl.js';
import type { PrologueParameters } from './conv-prologue.wgsl.js';
import type { HandedInput } from './handed-input.wgsl.js';
import type { ProductOrder } from './products.js';
import type { ConvGeometry } from './taps.js';

/** How the work is cut: constants of one variant, chosen by `ops/variants.ts`. */
export interface Conv1dTiling {
  /** Output columns per workgroup, kept in registers. */
  readonly columns: number;
  /** Groups of four output channels per workgroup: a multiple of BLOCK_LANES. */
  readonly lanes: number;
  /** Invocations that share one reduction over input channels. */
  readonly slices: number;
}

/** What the text of the kernel depends on; sizes come with `conv1dUniform`. */
export interface Conv1dParameters {
  readonly geometry: ConvGeometry;
  readonly tiling: Conv1dTiling;
  readonly storage: WeightStorage;
  /** Default `packed`. */
  readonly halfLoads?: HalfLoads | undefined;
  /** Default `buffer`. */
  readonly place?: WeightPlace | undefined;
  /**
   * `by column` and `by tile`: all weights of a turn of the loop are loaded first, and then all products of a column, or of two channels and four
   * columns, are made before the next: the same sums in the same order. A software driver keeps the sums of one column or tile in registers, and
   * those of all in memory. Default `by weight`.
   */
  readonly order?: ProductOrder | undefined;
  /** Whether codes of int8 are carried (weight-storage.wgsl.ts). Default false. */
  readonly carried?: boolean | undefined;
  /** Default `scalar`; see conv-input.wgsl.ts for what the others ask of layouts. */
  readonly inVector?: DirectVector | undefined;
  /** Not with slices, split or a stage. */
  readonly handed?: HandedInput | undefined;
  /** Default `storage`. */
  readonly inSpace?: InputSpace | undefined;
  /** The input is the stage's, not read from a tensor. */
  readonly stage?: PrologueParameters | undefined;
  /** Workgroups share the reduction over input channels, and leave partial sums without bias for the reader to add up. */
  readonly split?: boolean | undefined;
  /** Whether the last group of input channels is not full (`conv1dUniform` says so). */
  readonly ragged: boolean;
  readonly bias: boolean;
  readonly residual: boolean;
  readonly inActivation: Activation;
  readonly outActivation: Activation;
}

export interface Conv1dSizes {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly x: ActivationLayout;
  readonly y: ActivationLayout;
  readonly residual?: ActivationLayout | undefined;
  /** Where the reduction is split: how often, and the elements between partial sums. */
  readonly splits?: number | undefined;
  readonly splitStride?: number | undefined;
  readonly stage?: PrologueSizes | undefined;
}

export interface PrologueSizes {
  /** Number of partial sums, and the vec4s between them. */
  readonly partials: number;
  readonly partialStride: number;
  /** Channels of a group of the norm. */
  readonly normChannels: number;
  readonly filmOffset: number;
  readonly filmRowLength: number;
  /** Channels of the partial sums: with `joined` fewer than the input has. */
  readonly stagedChannels: number;
  /** Partial sums of the residual. */
  readonly skipPartials: number;
  readonly stored: ActivationLayout;
  readonly skip: ActivationLayout;
}

/** Input channels and chunks that one turn of the loop takes: a group, or four channels where these are loaded at once, or as many as are handed round. */
export function turnOf(
  p: Pick<Conv1dParameters, 'storage' | 'inVector' | 'handed'>,
  kernelSize: number,
): { channels: number; chunks: number } {
  const group = chunkGroup(p.storage, kernelSize);
  const groups = p.handed ? p.handed.channels / group.channels : p.inVector === 'channel' ? 4 / group.channels : 1;
  return { channels: group.channels * groups, chunks: group.chunks * groups };
}

/** What a stage adds to the sizes of a shape, in the order of `prologueSizes`. */
export function prologueWords({ joined = false, residualParts = false }: PrologueParameters, sizes: PrologueSizes): number[] {
  const { partials, partialStride, normChannels, filmOffset, filmRowLength, stagedChannels, skipPartials } = sizes;
  return [
    ...[partials, partialStride, normChannels, filmOffset, filmRowLength],
    ...(joined ? [stagedChannels] : []),
    ...(residualParts ? [skipPartials] : []),
  ];
}

/** The kernel's `shape`. */
export function conv1dUniform(p: Conv1dParameters, sizes: Conv1dSizes): number[] {
  const { inChannels, outChannels, x, y, residual, stage, splits = 1, splitStride = 0 } = sizes;
  const { kernelSize } = p.geometry;
  const turns = Math.ceil(inChannels / turnOf(p, kernelSize).channels);
  const chunks = blockChunks(p.storage, kernelSize, inChannels);
  return shapeWords(
    [
      inChannels,
      outChannels,
      Math.ceil(outChannels / 4),
      turns,
      chunks,
      ...(p.split ? [Math.ceil(turns / splits), splitStride] : []),
      ...(p.stage && stage ? prologueWords(p.stage, stage) : []),
    ],
    [x, y, ...(residual ? [residual] : []), ...(stage ? [stage.stored, stage.skip] : [])],
  );
}
