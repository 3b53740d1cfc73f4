import type { Dataset, PictureData } from '../../src/datasets/dataset.js';
import { CAMERAS, FRAME } from './image-policy.js';
import { memoryDataset } from './memory-dataset.js';

/** Pictures of a camera that say which row they are of. */
export function pictureOf(camera: string, row: number): PictureData {
  const data = new Uint8Array(FRAME.height * FRAME.width * 3);
  for (let i = 0; i < data.length; i++) data[i] = (i * (row + 3) + (camera === CAMERAS[0] ? 0 : 97) + (i >> 5)) % 256;
  return { data, ...FRAME };
}

/** Four episodes with two cameras; counts the pictures that are read. */
export function pictureDataset(read: string[]): Dataset {
  const vectors = memoryDataset(
    [10, 10, 10, 10],
    [
      { name: 'observation.state', size: 2, value: (row, channel) => Math.sin(row + channel) },
      { name: 'action', size: 2, value: (row, channel) => Math.sin(row + channel + 1) },
    ],
  );
  const shape = [FRAME.height, FRAME.width, 3];
  const cameras = CAMERAS.map((name) => ({
    name,
    kind: 'image' as const,
    dtype: 'image',
    shape,
    size: FRAME.height * FRAME.width * 3,
    names: null,
  }));
  return {
    ...vectors,
    features: [...vectors.features, ...cameras],
    readPicture: async (name, row) => {
      read.push(`${name} ${row}`);
      return pictureOf(name, row);
    },
  };
}
