import type { DatasetFeature, PictureData } from '../dataset.js';
import type { Faults } from '../faults.js';

/** Rows [from, to) of a feature that are read at once. */
export interface RowBlock<T> {
  /** Tells it from all blocks of the data set. */
  readonly key: string;
  readonly from: number;
  readonly to: number;
  /** The file that it lies in, for messages. */
  readonly file: string;
  /** Rows that are damaged are added to `faults`, which is of all of these; what stands in their place says nothing, of a picture it is empty. */
  read(faults: Faults): Promise<T>;
}

/** A picture as it is stored: decoded, or a PNG or JPEG file in a row. */
export type StoredPicture = PictureData | Uint8Array;

/** Where the rows of a data set lie: what differs between formats. Features and rows are checked before it is asked. */
export interface RowStore {
  /** The block of a vector that holds a row, values row-major. Whether they are finite is for the caller to check. */
  vectorBlock(feature: DatasetFeature, row: number): Promise<RowBlock<Float32Array>>;
  /** The same of pictures, one per row. */
  pictureBlock(feature: DatasetFeature, row: number): Promise<RowBlock<readonly StoredPicture[]>>;
  /** Pictures of rows within one episode as a stream, where that is cheaper than blocks. */
  streamPictures?(feature: DatasetFeature, from: number, to: number): AsyncIterable<PictureData> | undefined;
  close(): Promise<void>;
}
