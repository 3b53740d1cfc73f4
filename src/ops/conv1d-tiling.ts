import type { Conv1dTiling } from '../../kernels/conv1d.wgsl.js';

/** Columns that fit in registers beside a window of inputs. */
const MAX_COLUMNS = 16;
/** WebGPU's default for invocations per workgroup, granted everywhere. */
const MAX_INVOCATIONS = 256;
/** Groups of four output channels side by side: 128 bytes of one weight row. */
const MAX_LANES = 8;

/** The part of a convolution's shape that its tiling depends on. The batch is not part of it: sums must not change with it. */
export interface Conv1dShape {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly outLength: number;
  /** Tiles of a transposed convolution begin at multiples of this. */
  readonly columnMultiple: number;
}

/** How a convolution is cut, as a function of its shape alone. */
export function chooseConv1dTiling(shape: Conv1dShape): Conv1dTiling {
  const lanes = Math.min(MAX_LANES, ceilPowerOfTwo(Math.ceil(shape.outChannels / 4)));
  const slices = floorPowerOfTwo(Math.min(shape.inChannels, MAX_INVOCATIONS / lanes));
  return { columns: chooseColumns(shape.outLength, shape.columnMultiple), lanes, slices };
}

/** All columns if they fit; else the largest even share of them; else full tiles and a partial one. */
function chooseColumns(length: number, multiple: number): number {
  if (length <= MAX_COLUMNS) return length;
  for (let columns = MAX_COLUMNS; columns >= MAX_COLUMNS / 2; columns--) {
    if (length % columns === 0 && columns % multiple === 0) return columns;
  }
  return Math.max(multiple, MAX_COLUMNS - (MAX_COLUMNS % multiple));
}

export function ceilPowerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}

export function floorPowerOfTwo(value: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, value)));
}
