import type { Dataset } from '../../datasets/dataset.js';
import { DatasetError } from '../../foundation/errors.js';
import type { Sides } from '../../spec/policy-spec.js';
import { rowsOf } from './frames.js';

/** Cameras of a data set, in the order of what reads them, and the size of their pictures. */
export interface PicturedCameras {
  readonly names: readonly string[];
  readonly frame: Sides;
}

/**
 * Pictures of the frames t − To + 1 … t for each anchor t, by camera: [batch][To] of height × width × 3 bytes, decoded now; those beyond the anchors are
 * 0. A frame before the episode is its first one.
 * @throws DatasetError for pictures of another size.
 */
export async function readPictures(
  dataset: Dataset,
  { names, frame: [height, width] }: PicturedCameras,
  anchors: Int32Array,
  observationSteps: number,
  batch: number,
): Promise<Uint8Array[]> {
  const rows = rowsOf(dataset, anchors, 1 - observationSteps, observationSteps);
  const size = height * width * 3;
  const pictures: Uint8Array[] = [];
  for (const name of names) {
    const all = new Uint8Array(batch * observationSteps * size);
    for (const [at, row] of rows.entries()) {
      const picture = await dataset.readPicture(name, row);
      if (picture.height !== height || picture.width !== width) {
        throw new DatasetError(
          `"${name}" of ${dataset.name}, row ${row}: expected a picture of ${height}×${width}, found ${picture.height}×${picture.width}. Write the ` +
            'data set anew with pictures of one size.',
        );
      }
      all.set(picture.data, at * size);
    }
    pictures.push(all);
  }
  return pictures;
}
