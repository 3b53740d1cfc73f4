import type { Frame } from '../observations/frame.js';

/** Rows that a start reads in place of the conditioning: features of its own encoder, then vectors in the units of the robot. */
export interface StartRows {
  readonly width: number;
  /** Features of one picture. */
  readonly features: number;
  /** Cameras in the order of their features, as places among the pictures of a frame. */
  readonly cameras: readonly number[];
  /** Values of a frame that follow. */
  readonly vectors: readonly { readonly first: number; readonly size: number }[];
}

/** Writes the vectors of a frame into its row. */
export function writeVectors({ features, cameras, vectors }: StartRows, { values }: Frame, row: Float32Array): void {
  let column = cameras.length * features;
  for (const { first, size } of vectors) {
    row.set(values.subarray(first, first + size), column);
    column += size;
  }
}
