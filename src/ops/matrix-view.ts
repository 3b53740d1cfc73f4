/**
 * A weight matrix inside a tensor, as a kernel reads it: rows are (input channel, tap), columns are output channels.
 * Element [row, column] is at `offset + ⌊row / taps⌋ · inputStride + (row mod taps) + column · outputStride`.
 */
export interface MatrixView {
  readonly rows: number;
  readonly columns: number;
  readonly taps: number;
  readonly offset: number;
  readonly inputStride: number;
  readonly outputStride: number;
}

/** View of a convolution's tensor [out][in][tap]; a linear layer's [out][in] has one tap. */
export function convView(outChannels: number, inChannels: number, taps: number): MatrixView {
  const rows = inChannels * taps;
  return { rows, columns: outChannels, taps, offset: 0, inputStride: taps, outputStride: rows };
}

/** View of a transposed convolution's tensor [in][out][tap]. */
export function convTransposeView(outChannels: number, inChannels: number, taps: number): MatrixView {
  return {
    rows: inChannels * taps,
    columns: outChannels,
    taps,
    offset: 0,
    inputStride: outChannels * taps,
    outputStride: taps,
  };
}
