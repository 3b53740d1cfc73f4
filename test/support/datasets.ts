import { memorySource } from '../../src/checkpoints/source.js';
import type { StoredDataset } from '../../src/datasets/dataset.js';
import { type OpenDatasetOptions, openDataset } from '../../src/datasets/open-dataset.js';
import { type DatasetSink, type WriteOptions, writeLeRobotDataset } from '../../src/datasets/write/write-lerobot.js';

/** Files of a data set in memory, by path. */
export type DatasetFileMap = Record<string, Uint8Array | string>;

/** What is written to it lies in `files`. */
export class MemorySink implements DatasetSink {
  readonly files: DatasetFileMap = {};

  async write(path: string, content: Uint8Array | string): Promise<void> {
    this.files[path] = content;
  }
}

export function openFiles(files: DatasetFileMap, options?: OpenDatasetOptions, name = 'demonstrations'): Promise<StoredDataset> {
  return openDataset(memorySource(name, files), options);
}

/** Value of a dimension of a frame, by rule: no two of them are equal, and all are exact in f32. */
export function valueAt(row: number, dimension: number, feature = 0): number {
  return row + dimension / 16 + feature * 1000;
}

/** Arrays as `openArrays` reads them: `state` of 3 and `action` of 2 dimensions, episodes of the given lengths. */
export function arrayFiles(lengths: readonly number[]): DatasetFileMap {
  const ends = lengths.map((_, i) => lengths.slice(0, i + 1).reduce((sum, length) => sum + length, 0));
  const rows = ends.at(-1) ?? 0;
  return {
    'episode_ends.i32': bytesOf(Int32Array.from(ends)),
    'state.f32': bytesOf(rowsOf(rows, 3, 0)),
    'action.f32': bytesOf(rowsOf(rows, 2, 1)),
  };
}

export function rowsOf(rows: number, size: number, feature: number): Float32Array {
  return Float32Array.from({ length: rows * size }, (_, i) => valueAt(Math.floor(i / size), i % size, feature));
}

export function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer.slice(values.byteOffset, values.byteOffset + values.byteLength) as ArrayBuffer);
}

/** A LeRobot v3.0 data set of the same rows, with a scalar beside. */
export async function leRobotFiles(lengths: readonly number[], options: WriteOptions = {}): Promise<DatasetFileMap> {
  const source = await openFiles(arrayFiles(lengths), { fps: 10 });
  const sink = new MemorySink();
  await writeLeRobotDataset(source, sink, {
    features: [
      { name: 'observation.state', from: 'state', names: ['a', 'b', 'c'] },
      { name: 'action', from: 'action' },
      { name: 'next.reward', from: 'state', first: 1, count: 1 },
    ],
    task: 'push',
    ...options,
  });
  return sink.files;
}

/** JSON of a file with a change. */
export function changedJson(files: DatasetFileMap, path: string, change: (value: never) => void): DatasetFileMap {
  const content = files[path] as Uint8Array | string;
  const value: unknown = JSON.parse(typeof content === 'string' ? content : new TextDecoder().decode(content));
  change(value as never);
  return { ...files, [path]: JSON.stringify(value) };
}
