/** Rows moved forward by `rows`, the last one repeated: what is left of a chunk after so many ticks. */
export function shiftRows(values: Float32Array, actionDim: number, rows: number): Float32Array {
  const last = values.length / actionDim - 1;
  return values.map((_, i) => values[Math.min(Math.floor(i / actionDim) + rows, last) * actionDim + (i % actionDim)] as number);
}
