import type { PastChunk } from './strategy.js';

/** Rows moved forward by `rows`, the last one repeated: what is left of a chunk after so many control steps. */
export function shiftRows(values: Float32Array, actionDim: number, rows: number): Float32Array {
  const last = values.length / actionDim - 1;
  return values.map((_, i) => values[Math.min(Math.floor(i / actionDim) + rows, last) * actionDim + (i % actionDim)] as number);
}

/** Splits arrays [b][horizon][actionDim] into the chunks of the samples. */
export function splitChunks({ normalizedChunk, chunk }: PastChunk, batch: number): PastChunk[] {
  const size = chunk.length / batch;
  return Array.from({ length: batch }, (_, b) => ({
    normalizedChunk: normalizedChunk.slice(b * size, (b + 1) * size),
    chunk: chunk.slice(b * size, (b + 1) * size),
  }));
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
