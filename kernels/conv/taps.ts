/** The geometry of a 1-D convolution or transposed convolution along time. */
export interface ConvGeometry {
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: number;
  readonly transposed: boolean;
  readonly inLength: number;
  readonly outLength: number;
}

/** Column `column` of a tile gets weight tap `tap` times the input at window position `window`. */
export interface Tap {
  readonly column: number;
  readonly tap: number;
  readonly window: number;
}

/**
 * Which inputs meet which weights for one tile of output columns. Both directions of convolution become the same list,
 * and so the same inner loop:
 *
 *     convolution             out[t] = Σ_κ w[κ] · in[t·stride + κ − padding]
 *     transposed convolution  out[t] = Σ_κ w[κ] · in[(t + padding − κ) / stride]   where that is a whole number
 */
export interface TapMap {
  readonly taps: readonly Tap[];
  /** Number of input columns that a tile reads. */
  readonly windowLength: number;
  /** Input column of window position 0, for the tile that begins at output column `first`. */
  readonly windowStart: (first: number) => number;
  /** The same as WGSL of type i32, with `first` a u32 variable. */
  readonly windowStartText: string;
}

/** PyTorch's output length. */
export function convOutLength(geometry: Omit<ConvGeometry, 'outLength'>): number {
  const { kernelSize, stride, padding, transposed, inLength } = geometry;
  if (transposed) return (inLength - 1) * stride - 2 * padding + kernelSize;
  return Math.floor((inLength + 2 * padding - kernelSize) / stride) + 1;
}

/** Taps of a tile of `columns` outputs; with a transposed stride, tiles begin at multiples of the stride. */
export function tapMap(geometry: ConvGeometry, columns: number): TapMap {
  const { kernelSize, stride, padding, transposed } = geometry;
  if (!transposed) {
    const taps: Tap[] = [];
    for (let tap = 0; tap < kernelSize; tap++) {
      for (let column = 0; column < columns; column++) taps.push({ column, tap, window: column * stride + tap });
    }
    return {
      taps,
      windowLength: (columns - 1) * stride + kernelSize,
      windowStart: (first) => first * stride - padding,
      windowStartText: `i32(first) * ${stride} - ${padding}`,
    };
  }
  const sources: Tap[] = [];
  for (let tap = 0; tap < kernelSize; tap++) {
    for (let column = 0; column < columns; column++) {
      const shifted = column + padding - tap;
      if (shifted % stride === 0) sources.push({ column, tap, window: shifted / stride });
    }
  }
  const lowest = Math.min(...sources.map((tap) => tap.window));
  const highest = Math.max(...sources.map((tap) => tap.window));
  return {
    taps: sources.map((tap) => ({ ...tap, window: tap.window - lowest })),
    windowLength: highest - lowest + 1,
    windowStart: (first) => first / stride + lowest,
    windowStartText: `i32(first) / ${stride} + (${lowest})`,
  };
}
