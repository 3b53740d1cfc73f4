import { deflateSync } from 'node:zlib';
import Blosc from 'numcodecs/blosc';
import { bytesOf, type DatasetFileMap, rowsOf } from './datasets.js';

type Compressor = 'blosc' | 'zlib' | null;

export interface ArrayOptions {
  readonly chunks: readonly number[];
  readonly compressor?: Compressor;
  readonly separator?: '.' | '/';
  readonly order?: 'C' | 'F';
}

export type Values = Float32Array | Uint8Array | BigInt64Array | Float64Array;

/** An array of zarr v2 as numcodecs writes it: `.zarray`, and a file per chunk, those at the ends filled up. */
export async function zarrArray(path: string, values: Values, shape: readonly number[], options: ArrayOptions): Promise<DatasetFileMap> {
  const { chunks, compressor = 'blosc', separator = '.', order = 'C' } = options;
  const dtype =
    values instanceof Float32Array ? '<f4' : values instanceof Uint8Array ? '|u1' : values instanceof Float64Array ? '<f8' : '<i8';
  const codec = { blosc: { id: 'blosc', cname: 'lz4', clevel: 5, shuffle: 1, blocksize: 0 }, zlib: { id: 'zlib', level: 1 } };
  const files: DatasetFileMap = {
    [`${path}/.zarray`]: JSON.stringify({
      ...{ zarr_format: 2, shape, chunks, dtype, fill_value: 0, order, filters: null, dimension_separator: separator },
      compressor: compressor === null ? null : codec[compressor],
    }),
  };
  const counts = shape.map((side, axis) => Math.ceil(side / (chunks[axis] as number)));
  const total = counts.reduce((product, count) => product * count, 1);
  for (let number = 0; number < total; number++) {
    const place = unravel(number, counts);
    const chunk = new (values.constructor as Float32ArrayConstructor)(chunks.reduce((product, side) => product * side, 1));
    for (let i = 0; i < chunk.length; i++) {
      const inside = order === 'C' ? unravel(i, chunks) : unravel(i, [...chunks].reverse()).reverse();
      const at = inside.map((k, axis) => k + (place[axis] as number) * (chunks[axis] as number));
      if (at.some((k, axis) => k >= (shape[axis] as number))) continue;
      chunk[i] = values[at.reduce((sum, k, axis) => sum * (shape[axis] as number) + k, 0)] as number;
    }
    const bytes = bytesOf(chunk);
    const packed =
      compressor === 'blosc' ? await new Blosc(5, 'lz4', 1, 0).encode(bytes) : compressor === 'zlib' ? deflateSync(bytes) : bytes;
    files[`${path}/${place.join(separator)}`] = new Uint8Array(packed);
  }
  return files;
}

function unravel(number: number, sides: readonly number[]): number[] {
  const place: number[] = [];
  for (const side of [...sides].reverse()) {
    place.unshift(number % side);
    number = Math.floor(number / side);
  }
  return place;
}

export const SIDE = 10;
export const PIXELS = SIDE * SIDE * 3;

export function pixel(row: number, i: number): number {
  return (row * 31 + i * 7) % 256;
}

/** A replay buffer of Diffusion Policy: 11 rows in episodes of 4 and 7. */
export async function replayBuffer(options: Partial<ArrayOptions> = {}, image: Values = pictures(Float32Array)): Promise<DatasetFileMap> {
  return {
    '.zgroup': '{"zarr_format": 2}',
    'data/.zgroup': '{"zarr_format": 2}',
    'meta/.zgroup': '{"zarr_format": 2}',
    ...(await zarrArray('meta/episode_ends', BigInt64Array.of(4n, 11n), [2], { ...options, chunks: [1] })),
    ...(await zarrArray('data/state', rowsOf(11, 3, 0), [11, 3], { ...options, chunks: options.chunks ?? [4, 3] })),
    ...(await zarrArray('data/action', Float64Array.from(rowsOf(11, 2, 1)), [11, 2], { ...options, chunks: [5, 1] })),
    ...(await zarrArray('data/img', image, [11, SIDE, SIDE, 3], { ...options, chunks: [3, SIDE, SIDE, 3] })),
  };
}

export function pictures(Type: Float32ArrayConstructor | Uint8ArrayConstructor, scale = 1): Values {
  return (Type as Float32ArrayConstructor).from({ length: 11 * PIXELS }, (_, i) => pixel(Math.floor(i / PIXELS), i % PIXELS) * scale);
}
