import { DatasetError } from '../../foundation/errors.js';
import type { PictureData } from '../dataset.js';
import type { PictureCodecs } from './codecs.js';
import { decodePng, isPng } from './png.js';

/**
 * A PNG or JPEG file that stands in a row. `where` names file, episode and frame.
 * @throws DatasetError
 */
export async function decodePicture(bytes: Uint8Array, codecs: PictureCodecs, where: string): Promise<PictureData> {
  if (isPng(bytes)) return decodePng(bytes, where);
  if (!(bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff)) {
    throw new DatasetError(`${where}: expected a PNG or JPEG picture, found ${bytes.length} other bytes. Record the frame again.`);
  }
  if (codecs.jpeg === undefined) {
    throw new DatasetError(
      `${where}: expected a decoder for JPEG pictures, found none. Give one (openDataset's codecs); in Node, install ffmpeg.`,
    );
  }
  try {
    return await codecs.jpeg(bytes);
  } catch (cause) {
    if (cause instanceof DatasetError) throw cause;
    throw new DatasetError(
      `${where}: expected a JPEG picture, found a damaged one (${(cause as Error).message}). Record the frame again.`,
      {
        cause,
      },
    );
  }
}
