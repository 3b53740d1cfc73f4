/** Rows moved forward by `rows`, the last one repeated: what is left of a chunk after so many ticks. */
export function shiftRows(values: Float32Array, actionDim: number, rows: number): Float32Array {
  const last = values.length / actionDim - 1;
  return values.map((_, i) => values[Math.min(Math.floor(i / actionDim) + rows, last) * actionDim + (i % actionDim)] as number);
}

export function concatenate(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
