import type { DatasetEpisode } from '../dataset.js';
import { Faults } from '../faults.js';
import type { ParquetFile } from '../parquet/parquet-file.js';
import { rowsToNumbers } from '../parquet/values.js';
import { episodeOf } from '../windows.js';

/** What rows are held to. */
export interface Bookkeeping {
  readonly episodes: readonly DatasetEpisode[];
  readonly fps: number;
  /** Seconds that a time step may differ from 1 / fps. */
  readonly tolerance: number;
}

/** A float32 is good to this share of itself. */
const FLOAT32 = 2 ** -23;

/**
 * Holds the numbers and times of a row group to the metadata: rows that are missing, doubled or in another order, and frames that were
 * not recorded at the rate that the data set declares, would silently become wrong windows.
 * Returns what is wrong, by rows of the data set, in words that name file, episode and frame, one for a frame.
 */
export async function bookkeepingFaults(
  file: ParquetFile,
  group: number,
  firstRow: number,
  { episodes, fps, tolerance }: Bookkeeping,
): Promise<Faults> {
  const { from, to } = file.groups[group] as ParquetFile['groups'][number];
  const faults = new Faults(firstRow, firstRow + to - from);
  const column = async (name: string): Promise<Float64Array> => {
    return rowsToNumbers(await file.readColumn(name, group, 1), (row, found) => report(row, `a number in "${name}"`, found));
  };
  const place = (row: number): { episode: DatasetEpisode; frame: number } => {
    const episode = episodeOf({ episodes }, firstRow + row);
    return { episode, frame: firstRow + row - episode.from };
  };
  const report = (row: number, expected: string, found: string): void => {
    if (faults.has(firstRow + row)) return;
    faults.add(firstRow + row, () => {
      const { episode, frame } = place(row);
      return (
        `${file.name}, episode ${episode.index}, frame ${frame}: expected ${expected}, found ${found}. Rows and metadata do not belong together: ` +
        'download the data set again, or record the episode again.'
      );
    });
  };
  const indices = await column('episode_index');
  const frames = await column('frame_index');
  const times = await column('timestamp');
  for (let row = 0; row < indices.length; row++) {
    const { episode, frame } = place(row);
    if (indices[row] !== episode.index) report(row, `"episode_index" ${episode.index}`, String(indices[row]));
    if (frames[row] !== frame) report(row, `"frame_index" ${frame}`, String(frames[row]));
    const time = times[row] as number;
    if (!Number.isFinite(time)) report(row, 'a finite "timestamp"', String(time));
    // Behind a fault a step says nothing of the frame that it leads to.
    if (frame === 0 || row === 0 || faults.has(firstRow + row - 1)) continue;
    const step = time - (times[row - 1] as number);
    if (!(step > 0)) report(row, '"timestamp" to increase', `${time} s after ${times[row - 1]} s`);
    if (Math.abs(step - 1 / fps) > tolerance + 2 * FLOAT32 * Math.abs(time)) {
      report(row, `"timestamp" to be ${(1 / fps).toPrecision(6)} s later, at ${fps} frames per second`, `${step.toPrecision(6)} s`);
    }
  }
  return faults.sort();
}
