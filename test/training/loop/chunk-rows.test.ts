import { describe, expect, it } from 'vitest';
import { type ChunkWindows, readChunks } from '../../../src/training/loop/unet-batches.js';
import { memoryDataset } from '../../support/memory-dataset.js';

/** An episode whose action is its row. */
const DATASET = memoryDataset([12], [{ name: 'action', size: 1, value: (row) => row }]);

const IDENTITY = {
  mode: 'identity',
  subtract: Float32Array.of(0),
  divide: Float32Array.of(1),
  multiply: Float32Array.of(1),
  add: Float32Array.of(0),
} as const;

describe('rows of a chunk', () => {
  it.each([
    ['the oldest frame', {}, [3, 4, 5, 6], [9, 10, 11, 11]],
    ['the newest frame, where windows say so', { firstRow: 0 }, [4, 5, 6, 7], [10, 11, 11, 11]],
  ])('begin with the action of %s, and repeat the last one beyond the episode', async (_, own, middle, end) => {
    const spec = {
      dataset: DATASET,
      frame: [],
      action: { name: 'action', size: 1, normalizer: IDENTITY },
      horizon: 4,
      observationSteps: 2,
      ...own,
    } as ChunkWindows;
    const { actions } = await readChunks(spec, Int32Array.of(4, 10), 2);
    expect([...actions]).toEqual([...middle, ...end]);
  });
});
