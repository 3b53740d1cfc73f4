import { JsonObject, shown } from '../../checkpoints/json-object.js';
import { DatasetError } from '../../foundation/errors.js';
import { type DatasetFeature, FPS_BOUND } from '../dataset.js';
import { type DatasetFiles, inDatasetWords } from '../files.js';

/** `meta/info.json` of a LeRobot data set (lerobot/datasets/utils.py). */
export interface LeRobotInfo {
  readonly version: 'v2.0' | 'v2.1' | 'v3.0';
  readonly fps: number;
  readonly robot: string | null;
  readonly episodes: number;
  readonly frames: number;
  /** Templates of Python's `format`. */
  readonly dataPath: string;
  /** Undefined where there are no videos. */
  readonly videoPath: string | undefined;
  readonly chunkSize: number;
  readonly features: readonly DatasetFeature[];
  /** Of dtypes that are no numbers and no pictures. */
  readonly leftOut: readonly string[];
}

export const INFO = 'meta/info.json';
/** What only numbers the frames. */
export const BOOKKEEPING: readonly string[] = ['timestamp', 'frame_index', 'episode_index', 'index', 'task_index'];
const VERSIONS = ['v2.0', 'v2.1', 'v3.0'] as const;
const NUMBERS: ReadonlySet<string> = new Set([
  ...['float16', 'float32', 'float64', 'int8', 'int16', 'int32', 'int64'],
  ...['uint8', 'uint16', 'uint32', 'uint64', 'bool'],
]);
const MOST_FEATURES = 4096;
const MOST_SIZE = 1 << 24;
const MOST_SIDE = 16_384;

/** @throws DatasetError naming the key. */
export async function readInfo(files: DatasetFiles): Promise<LeRobotInfo> {
  const value = await files.json(INFO);
  return inDatasetWords(() => parseInfo(new JsonObject(INFO, value)));
}

function parseInfo(info: JsonObject): LeRobotInfo {
  const found = info.string('codebase_version');
  const version = VERSIONS.find((candidate) => candidate === found);
  if (version === undefined) {
    throw new DatasetError(
      `${INFO}: "codebase_version" ${shown(found)} is not read (${VERSIONS.join(', ')} are). Convert the data set with LeRobot's own scripts.`,
    );
  }
  const features: DatasetFeature[] = [];
  const leftOut: string[] = [];
  const entries = info.object('features').entries();
  if (entries.length === 0 || entries.length > MOST_FEATURES) info.fail('features', `an object of 1 to ${MOST_FEATURES} features`);
  for (const [name, given] of entries) {
    if (BOOKKEEPING.includes(name)) continue;
    const feature = parseFeature(name, new JsonObject(`${INFO}, feature "${name}"`, given));
    if (feature === undefined) leftOut.push(name);
    else features.push(feature);
  }
  const hasVideos = features.some(({ kind }) => kind === 'video');
  return {
    version,
    fps: info.number('fps', { fallback: NaN, above: 0, below: FPS_BOUND }),
    robot: info.isNull('robot_type') ? null : info.string('robot_type'),
    episodes: info.integer('total_episodes', { min: 0, max: 10_000_000 }),
    frames: info.integer('total_frames', { min: 0, max: 2 ** 31 - 2 }),
    dataPath: info.string('data_path'),
    videoPath: hasVideos ? info.string('video_path') : undefined,
    chunkSize: info.integer('chunks_size', { fallback: 1000, min: 1, max: 10_000_000 }),
    features,
    leftOut,
  };
}

function parseFeature(name: string, given: JsonObject): DatasetFeature | undefined {
  const dtype = given.string('dtype');
  const shape = given.integers('shape', { min: 1, max: MOST_SIZE });
  if (dtype === 'image' || dtype === 'video') {
    return { name, kind: dtype, dtype, ...pictureShape(given, shape), names: null };
  }
  if (!NUMBERS.has(dtype)) return undefined;
  const size = shape.reduce((product, side) => product * side, 1);
  if (shape.length > 8 || size > MOST_SIZE) given.fail('shape', `at most ${MOST_SIZE} numbers`);
  return { name, kind: 'vector', dtype, shape, size, names: namesOf(given.value('names'), size) };
}

/** [height, width, channels] by the names of the axes; without them, channels are the first axis where that is 1, 3 or 4. */
function pictureShape(given: JsonObject, shape: readonly number[]): { shape: readonly number[]; size: number } {
  if (shape.length !== 3) given.fail('shape', 'height, width and channels');
  const [a, b, c] = shape as readonly [number, number, number];
  const names = namesOf(given.value('names'), 3);
  const isPlanes = names ? /^channel/.test(names[0] as string) : a <= 4 && c > 4;
  const [height, width, channels] = isPlanes ? [b, c, a] : [a, b, c];
  if (height > MOST_SIDE || width > MOST_SIDE || channels > 4) given.fail('shape', `pictures of at most ${MOST_SIDE} pixels a side`);
  return { shape: [height, width, channels], size: height * width * channels };
}

/** Names of dimensions: a list, a list in a list, or lists by group; null where they are not one for each dimension. */
function namesOf(value: unknown, size: number): readonly string[] | null {
  const lists = Array.isArray(value) ? value : typeof value === 'object' && value !== null ? Object.values(value) : [];
  const names = lists.flat().filter((name): name is string => typeof name === 'string');
  return names.length === size ? names : null;
}

/** A path by its template: `{episode_index:06d}` and the like. @throws DatasetError for a field that is not given. */
export function pathOf(template: string, fields: Readonly<Record<string, string | number>>): string {
  const path = template.replaceAll(/\{(\w+)(?::0?(\d*)d)?\}/g, (_, name: string, width: string | undefined) => {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (value === undefined) {
      const known = Object.keys(fields).join(', ');
      throw new DatasetError(`${INFO}: the path "${template}" has a field "${name}", but only ${known} are known. Correct the path.`);
    }
    return String(value).padStart(Math.min(Number(width ?? 0), 20), '0');
  });
  if (path.startsWith('/') || path.split('/').includes('..')) {
    throw new DatasetError(`${INFO}: the path "${template}" leads out of the data set. Correct the path.`);
  }
  return path;
}
