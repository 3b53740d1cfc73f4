import { shown } from '../../checkpoints/json-object.js';
import { decodeFloats, isDtype } from '../../checkpoints/safetensors/dtypes.js';
import { SafetensorsFile, type TensorInfo } from '../../checkpoints/safetensors/safetensors.js';
import type { ByteSource } from '../../checkpoints/source.js';
import { DatasetError } from '../../foundation/errors.js';
import { type DatasetEpisode, type DatasetFeature, FPS_BOUND, type PictureData } from '../dataset.js';
import { asDatasetError, type DatasetFiles } from '../files.js';
import { type ArraySegment, ArrayStore, type RowArray } from '../store/array-store.js';
import { BlockDataset } from '../store/block-dataset.js';
import { blockRowsFor, readBytes } from '../store/raw-floats.js';

/** Prefix of recorded inputs in files that hold the expected outputs as well (`warmstep run` reads both). */
const TICKS_INPUT = 'ticks.input.';
/** What else stands in such files is not of one row per tick, or no demonstration. */
const OTHERS = /^(ticks|expected|input)\./;

/** Top-level safetensors files of a folder, each an episode. */
export function recordingPaths(files: DatasetFiles): string[] {
  return files.below('').filter((path) => path.endsWith('.safetensors') && !path.includes('/'));
}

interface Recording {
  readonly path: string;
  readonly file: ByteSource;
  readonly ticks: number;
  readonly features: readonly DatasetFeature[];
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Recordings: a safetensors file per episode, with tensors [ticks, size], and pictures U8 [ticks, height, width, 3] or [ticks, 3, height, width].
 * Metadata `fps`, `robot` and `task` of the file count where they are there.
 * @throws DatasetError
 */
export async function openRecordings(files: DatasetFiles, given: number | undefined, cacheBytes: number): Promise<BlockDataset> {
  const recordings: Recording[] = [];
  for (const path of recordingPaths(files)) recordings.push(await readRecording(files, path));
  const features = commonFeatures(recordings);
  const fps = given ?? fpsOf(recordings);
  let from = 0;
  const episodes: DatasetEpisode[] = [];
  const segments: ArraySegment[] = [];
  recordings.forEach(({ path, ticks, tensors, metadata, file }, index) => {
    const to = from + ticks;
    const task = metadata.get('task');
    const missing = features
      .filter(({ name }) => !tensors.has(name))
      .map(({ name }) => ({ feature: name, file: `${path}: tensor "${name}"` }));
    episodes.push({ index, from, to, tasks: task === undefined ? [] : [task], missing });
    const arrays = features.flatMap((feature): [string, RowArray][] => {
      const tensor = tensors.get(feature.name);
      return tensor === undefined ? [] : [[feature.name, rowArray(file, feature, tensor)]];
    });
    segments.push({ from, to, arrays: new Map(arrays) });
    from = to;
  });
  const robot = recordings[0]?.metadata.get('robot') ?? null;
  const facts = {
    name: files.name,
    format: 'recordings',
    fps,
    robot,
    features,
    episodes,
    missing: [],
    warnings: [],
    statistics: new Map(),
  };
  return new BlockDataset(facts, new ArrayStore(segments, episodes, () => files.close()), {}, cacheBytes);
}

async function readRecording(files: DatasetFiles, path: string): Promise<Recording> {
  const file = await files.open(path);
  const { tensors, metadata } = await asDatasetError(SafetensorsFile.open(file));
  const chosen = new Map<string, TensorInfo>();
  for (const [name, tensor] of tensors) {
    if (name.startsWith(TICKS_INPUT)) chosen.set(name.slice(TICKS_INPUT.length), tensor);
    else if (!OTHERS.test(name)) chosen.set(name, tensor);
  }
  const ticks = [...chosen.values()][0]?.shape[0] ?? 0;
  const features = [...chosen].map(([name, tensor]) => featureOf(path, name, tensor, ticks));
  if (ticks === 0) {
    throw new DatasetError(
      `${path}: expected tensors of one row per tick, such as "observation.state" [ticks, size], found none. Record them.`,
    );
  }
  return { path, file, ticks, features, tensors: chosen, metadata };
}

function featureOf(path: string, name: string, { shape: [rows = 0, ...shape], dtype }: TensorInfo, ticks: number): DatasetFeature {
  const fail = (expected: string): never => {
    throw new DatasetError(
      `${path}, tensor "${name}": expected ${expected}, found ${dtype} [${[rows, ...shape].join(', ')}]. Record every tensor at every tick.`,
    );
  };
  if (rows !== ticks) fail(`${ticks} rows, as the first tensor has`);
  const [a = 0, b = 0, c = 0] = shape;
  if (shape.length === 3 && dtype === 'U8' && (a === 3 || c === 3)) {
    const [height, width] = c === 3 ? [a, b] : [b, c];
    return { name, kind: 'image', dtype: 'uint8', shape: [height, width, 3], size: height * width * 3, names: null };
  }
  if (shape.length > 1 || !isDtype(dtype))
    fail('[ticks, size] of numbers, or pictures U8 [ticks, height, width, 3] or [ticks, 3, height, width]');
  const size = shape[0] ?? 1;
  if (size === 0) fail('at least one number per row');
  return { name, kind: 'vector', dtype: dtype.toLowerCase(), shape: [size], size, names: null };
}

/** Features of all recordings together. @throws DatasetError where two disagree. */
function commonFeatures(recordings: readonly Recording[]): DatasetFeature[] {
  const common = new Map<string, { feature: DatasetFeature; path: string }>();
  for (const { path, features } of recordings) {
    for (const feature of features) {
      const first = common.get(feature.name);
      if (first === undefined) common.set(feature.name, { feature, path });
      else if (first.feature.kind !== feature.kind || first.feature.shape.join() !== feature.shape.join()) {
        throw new DatasetError(
          `${path}, tensor "${feature.name}": expected rows of shape [${first.feature.shape.join(', ')}], as in ${first.path}, found ` +
            `[${feature.shape.join(', ')}]. Recordings of one data set have the same features.`,
        );
      }
    }
  }
  return [...common.values()].map(({ feature }) => feature);
}

function fpsOf(recordings: readonly Recording[]): number {
  const all = recordings.map(({ path, metadata }) => ({ path, text: metadata.get('fps'), fps: Number(metadata.get('fps') || NaN) }));
  const [first] = all;
  const wrong = all.find(({ fps }) => !(fps > 0 && fps < FPS_BOUND)) ?? all.find(({ fps }) => fps !== first?.fps);
  if (first !== undefined && wrong === undefined) return first.fps;
  throw new DatasetError(
    `${wrong?.path}: expected the metadata "fps", the same in all recordings, found ${wrong?.text === undefined ? 'none' : shown(wrong.text)}. ` +
      'Record it, or give fps (--fps).',
  );
}

function rowArray(file: ByteSource, { kind, size, shape }: DatasetFeature, tensor: TensorInfo): RowArray {
  const { dtype, begin, end } = tensor;
  const bytesPerRow = (end - begin) / (tensor.shape[0] as number);
  const read = (from: number, to: number): Promise<Uint8Array<ArrayBuffer>> => {
    return readBytes(file, begin + from * bytesPerRow, (to - from) * bytesPerRow);
  };
  const common = { blockRows: blockRowsFor(bytesPerRow), file: () => file.name };
  if (kind === 'vector') {
    return {
      ...common,
      readVectors: async (from, to) => {
        const values = new Float32Array((to - from) * size);
        if (isDtype(dtype)) decodeFloats(dtype, await read(from, to), values);
        return values;
      },
    };
  }
  const [height, width] = shape as [number, number];
  const isPlanes = tensor.shape[3] !== 3;
  return {
    ...common,
    readPictures: async (from, to) => {
      const bytes = await read(from, to);
      return Array.from({ length: to - from }, (_, i): PictureData => {
        const data = bytes.slice(i * size, (i + 1) * size);
        return { data: isPlanes ? interleaved(data) : data, height, width };
      });
    },
  };
}

/** [3][height][width] → [height][width][3]. */
function interleaved(planes: Uint8Array): Uint8Array {
  const pixels = planes.length / 3;
  return Uint8Array.from(planes, (_, i) => planes[(i % 3) * pixels + Math.floor(i / 3)] as number);
}
