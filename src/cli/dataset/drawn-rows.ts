import type { Dataset, DatasetEpisode } from '../../datasets/dataset.js';
import { DatasetError } from '../../foundation/errors.js';

/**
 * Rows of a vector of an episode, f32 [frames][size], flattened. Of a data set that `isDamaged`, whose faults are listed, undefined where they
 * cannot be read.
 * @throws DatasetError.
 */
export async function drawnRows(
  dataset: Dataset,
  feature: string,
  { from, to }: DatasetEpisode,
  isDamaged: boolean,
): Promise<Float32Array | undefined> {
  try {
    return await dataset.readRows(feature, from, to);
  } catch (error) {
    if (isDamaged && error instanceof DatasetError) return undefined;
    throw error;
  }
}
