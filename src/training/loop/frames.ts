import type { Dataset } from '../../datasets/dataset.js';
import { readAround } from '../../datasets/window-batch.js';
import { episodeOf } from '../../datasets/windows.js';
import type { Normalizer } from '../../spec/policy-spec.js';
import { checkNormalized, checkRaw } from './normalize.js';

/** A vector of the data set as a part of the conditioning. */
export interface FrameVector {
  /** In the data set. */
  readonly name: string;
  readonly size: number;
  /** Undefined: read in the units of the robot. */
  readonly normalizer: Normalizer | undefined;
}

/** Values of frames that are made of pictures, by row; they pass as they are. */
export interface FrameFeatures {
  readonly size: number;
  /** f32 [rows][size], by what encodes pictures of these rows. */
  read(rows: Int32Array): Promise<Float32Array>;
}

/** Parts of a frame of the conditioning vector, in its order: state, features of pictures, environment state. */
export type FramePart = FrameVector | FrameFeatures;

/** Values of one frame. */
export function frameSize(parts: readonly FramePart[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0);
}

/**
 * Windows of normalised frames t − To + 1 … t, f32 [batch][To][frame], for each anchor t; rows beyond the anchors stay 0. A frame before the
 * episode is its first one.
 */
export async function readFrames(
  dataset: Dataset,
  parts: readonly FramePart[],
  anchors: Int32Array,
  observationSteps: number,
  batch: number,
): Promise<Float32Array> {
  const width = frameSize(parts);
  const frames = new Float32Array(batch * observationSteps * width);
  let offset = 0;
  for (const part of parts) {
    const values = await readPart(dataset, part, anchors, observationSteps);
    for (let frame = 0; frame < anchors.length * observationSteps; frame++) {
      frames.set(values.subarray(frame * part.size, (frame + 1) * part.size), frame * width + offset);
    }
    offset += part.size;
  }
  return frames;
}

async function readPart(dataset: Dataset, part: FramePart, anchors: Int32Array, observationSteps: number): Promise<Float32Array> {
  const first = 1 - observationSteps;
  if ('name' in part) {
    const { values } = await readAround(dataset, part.name, anchors, first, observationSteps, part.normalizer);
    const name = `"${part.name}" of ${dataset.name}`;
    return part.normalizer ? checkNormalized(values, part.size, name) : checkRaw(values, part.size, name);
  }
  return part.read(rowsOf(dataset, anchors, first, observationSteps));
}

/** Rows of the frames of windows, those before the episode being its first. */
export function rowsOf(dataset: Dataset, anchors: Int32Array, first: number, count: number): Int32Array {
  const rows = new Int32Array(anchors.length * count);
  anchors.forEach((anchor, i) => {
    const { from } = episodeOf(dataset, anchor);
    for (let k = 0; k < count; k++) rows[i * count + k] = Math.max(from, anchor + first + k);
  });
  return rows;
}
