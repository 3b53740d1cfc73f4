import type { NdArray } from './nd-array.js';

/**
 * Whether pictures are at least half of the memory that their message lies in. They are then kept with it; else they are copied, so that a client that
 * sends much besides cannot have it held for as long as its frames are. `pictures`: those alone that would be kept as they lie, without any that are
 * resized or converted on the way.
 */
export function picturesAreMost(pictures: readonly NdArray[]): boolean {
  const bytes = pictures.reduce((sum, { data }) => sum + data.byteLength, 0);
  return pictures.every(({ data }) => 2 * bytes >= data.buffer.byteLength);
}
