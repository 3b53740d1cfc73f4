import type { PastChunk } from './strategy.js';

/** Splits arrays [b][horizon][actionDim] into the chunks of the samples. */
export function splitChunks({ chunk, actionHorizon }: PastChunk, batch: number): PastChunk[] {
  const size = chunk.length / batch;
  return Array.from({ length: batch }, (_, b) => ({
    chunk: chunk.slice(b * size, (b + 1) * size),
    actionHorizon: actionHorizon.slice(b * size, (b + 1) * size),
  }));
}

/** Values [first, first + count) of each sample of an array of `batch` samples. */
export function sliceSamples(values: Float32Array, batch: number, first: number, count: number): Float32Array {
  const size = values.length / batch;
  return concatenate(Array.from({ length: batch }, (_, b) => values.subarray(b * size + first, b * size + first + count)));
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
