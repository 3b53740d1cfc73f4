import { BLOCK_LANES, blockChunks, chunkPairs, type WeightStorage } from './weight-storage.wgsl.js';

/** Sizes of a linear layer; both are multiples of 4. */
export interface LinearShape {
  readonly inChannels: number;
  readonly outChannels: number;
}

/** Where a linear layer lies in a stack. */
export interface StackedLinear extends LinearShape {
  /** Of its weights. */
  readonly firstChunk: number;
  /** Of its scales and biases, in groups of four output channels. */
  readonly firstRowGroup: number;
}

/**
 * Where linear layers lie in a stack: one buffer for the weights of all of them, one for their scales, one for their biases,
 * layer behind layer. A kernel that computes several layers has too few bindings for buffers of their own.
 */
export function stackLinears(storage: WeightStorage, shapes: readonly LinearShape[]): StackedLinear[] {
  let firstChunk = 0;
  let firstRowGroup = 0;
  return shapes.map(({ inChannels, outChannels }) => {
    const linear = { inChannels, outChannels, firstChunk, firstRowGroup };
    firstChunk += linearChunks(storage, linear);
    firstRowGroup += outChannels / 4;
    return linear;
  });
}

/** Chunks of weight-storage.wgsl.ts that the weights of a linear layer fill. */
function linearChunks(storage: WeightStorage, { inChannels, outChannels }: LinearShape): number {
  return Math.ceil(outChannels / 4 / BLOCK_LANES) * BLOCK_LANES * blockChunks(storage, 1, inChannels);
}

/** Chunks that hold the weights of four input channels. */
export function turnChunks(storage: WeightStorage): number {
  return 4 / chunkPairs(storage);
}
