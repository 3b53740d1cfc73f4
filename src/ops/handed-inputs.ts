import { inputParts } from '../../kernels/conv/conv-input.wgsl.js';
import { type Conv1dParameters, turnOf } from '../../kernels/conv/conv1d-shape.js';
import type { HandedInput } from '../../kernels/conv/handed-input.wgsl.js';
import { tapMap } from '../../kernels/conv/taps.js';
import { BLOCK_LANES } from '../../kernels/lib/weight-storage.wgsl.js';
import type { BuildTarget } from '../runtime/plan-builder.js';
import { VARIANTS } from './variants.js';

/** What a turn of the loop may hold: more of it is a longer text, which outgrows the instruction cache, and weights that wait in memory. */
const MOST_CHUNKS = 16;
/** Products of a vec4 of weights with one input. */
const MOST_PRODUCTS = 32;
/** Inputs that a vec4 of every member of a subgroup of eight holds. */
const MOST_INPUTS = 32;

/** What the choice knows of a convolution. */
export type HandedProblem = Pick<Conv1dParameters, 'geometry' | 'tiling' | 'storage' | 'inVector'> & { readonly inChannels: number };

/**
 * How the input of a 1-D convolution is handed round; undefined where it is not: every invocation then loads all of it. Turns of the loop take
 * twice as many channels as long as little enough comes together. Neither changes a sum, nor its order.
 */
export function chooseHandedInput(
  { geometry, tiling, storage, inVector, inChannels }: HandedProblem,
  { deviceClass, subgroupSize = 1 }: Pick<BuildTarget, 'deviceClass' | 'subgroupSize'>,
): HandedInput | undefined {
  // Slices take turns of their own: what a subgroup hands round must be the same for all of it.
  if (!VARIANTS[deviceClass].handed || tiling.slices > 1 || subgroupSize === 1 || subgroupSize > BLOCK_LANES) return undefined;
  const { columns } = tiling;
  const map = tapMap(geometry, columns);
  const { inside, windows } = inputParts({ vector: inVector ?? 'scalar', space: 'storage', geometry, map, columns });
  const products = map.taps.filter(({ window, column }) => inside(window) && column < geometry.outLength).length;
  const least = turnOf({ storage, inVector }, geometry.kernelSize);
  const fits = (times: number): boolean =>
    inChannels % (least.channels * times) === 0 &&
    least.chunks * times <= MOST_CHUNKS &&
    least.channels * times * products <= MOST_PRODUCTS &&
    least.channels * times * windows.length <= MOST_INPUTS;
  let times = 1;
  while (fits(2 * times)) times *= 2;
  return { subgroup: subgroupSize, channels: least.channels * times };
}
