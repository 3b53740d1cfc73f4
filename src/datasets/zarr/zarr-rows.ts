import type { Chunk, DataType, Array as ZarrArray } from 'zarrita';
import { JsonObject } from '../../checkpoints/json-object.js';
import { DatasetError } from '../../foundation/errors.js';
import type { DatasetFeature, PictureData } from '../dataset.js';
import { type DatasetFiles, inDatasetWords } from '../files.js';
import type { RowArray } from '../store/array-store.js';

const METADATA = /(^|\/)(\.zarray|\.zgroup|\.zattrs|\.zmetadata|zarr\.json)$/;

/** The files of a data set as zarrita asks for them. */
export class FilesStore {
  readonly #files: DatasetFiles;
  /** Bytes of a chunk by array, of those that blosc alone packed. */
  readonly #blosc = new Map<string, number>();

  constructor(files: DatasetFiles) {
    this.#files = files;
  }

  /** What the metadata of an array say, v2 or v3. @throws DatasetError */
  async metadata(array: string): Promise<JsonObject> {
    const path = this.#files.has(`${array}/.zarray`) ? `${array}/.zarray` : `${array}/zarr.json`;
    const value = await this.#files.json(path);
    return inDatasetWords(() => new JsonObject(path, value));
  }

  /** Chunks of an array are held to what their headers say; `bytes`: of a chunk, unpacked. */
  expectBlosc(array: string, bytes: number): void {
    this.#blosc.set(array, bytes);
  }

  /** A chunk that is not there would be read as zeros: missing frames that nobody notices. @throws DatasetError */
  async get(key: string): Promise<Uint8Array | undefined> {
    const path = key.replace(/^\//, '');
    if (this.#files.has(path)) {
      const bytes = await this.#files.bytes(path, 1024 * 1024 * 1024);
      if (!METADATA.test(path)) this.#checkBlosc(path, bytes);
      return bytes;
    }
    if (METADATA.test(path)) return undefined;
    throw new DatasetError(
      `"${path}" is not there. The copy is incomplete; if its values are all zero and were left out on purpose, export with write_empty_chunks=True`,
    );
  }

  /** The decoder does not: what is cut off would become zeros. */
  #checkBlosc(path: string, bytes: Uint8Array<ArrayBuffer>): void {
    const [array, unpacked] = [...this.#blosc].find(([name]) => path.startsWith(`${name}/`)) ?? [];
    if (array === undefined) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < BLOSC_HEADER) throw new Error(`"${path}" has ${bytes.length} bytes, fewer than a header`);
    const [full, packed] = [view.getUint32(4, true), view.getUint32(12, true)];
    if (packed !== bytes.length || full !== unpacked) {
      throw new Error(`"${path}" should have ${packed} bytes and become ${unpacked}, but has ${bytes.length} and would become ${full}`);
    }
  }
}

/** blosc's 16 bytes of header: bytes unpacked, of a block, and packed, the header among them, from byte 4 on. */
const BLOSC_HEADER = 16;

/** An array that is read in chunks of its first axis. */
export interface ZarrRows extends RowArray {
  /** Rows as float64, for numbers beyond float32. */
  readNumbers(from: number, to: number): Promise<Float64Array>;
}

export function zarrRows(array: ZarrArray<DataType, FilesStore>, { kind, size, shape, dtype, name }: DatasetFeature): ZarrRows {
  const [blockRows] = array.chunks as [number];
  const common = {
    blockRows,
    file: (from: number) => `${array.path.replace(/^\//, '')}, chunk ${Math.floor(from / blockRows)}`,
    readNumbers: (from: number, to: number) => gather(array, from, to, new Float64Array((to - from) * size)),
  };
  if (kind === 'vector') {
    return { ...common, readVectors: (from, to) => gather(array, from, to, new Float32Array((to - from) * size)) };
  }
  const [height, width] = shape as [number, number];
  const isPlanes = array.shape[3] !== 3;
  const scale = new PixelScale(dtype === 'uint8');
  return {
    ...common,
    readPictures: async (from, to) => {
      const values = await gather(array, from, to, new Float32Array((to - from) * size));
      const bytes = scale.toBytes(values, name);
      return Array.from({ length: to - from }, (_, row): PictureData => {
        const data = bytes.slice(row * size, (row + 1) * size);
        return { data: isPlanes ? interleaved(data) : data, height, width };
      });
    },
  };
}

/** Pixels as bytes: bytes stay, floats are from 0 to 255 (Diffusion Policy's) or from 0 to 1, which the first block that is not black shows. */
class PixelScale {
  #most: number | undefined;

  constructor(isBytes: boolean) {
    this.#most = isBytes ? 255 : undefined;
  }

  toBytes(values: Float32Array, name: string): Uint8Array {
    let most = 0;
    for (const value of values) {
      if (!(value >= 0 && value <= 255)) throw new Error(`expected pixels from 0 to 255 in "${name}", found ${value}`);
      if (value > most) most = value;
    }
    if (this.#most === undefined && most > 0) this.#most = most <= 1 ? 1 : 255;
    const limit = this.#most ?? 255;
    if (most > limit) throw new Error(`expected pixels from 0 to ${limit} in "${name}", as in other frames, found ${most}`);
    return Uint8Array.from(values, (value) => Math.round((value * 255) / limit));
  }
}

/** Rows [from, to) of a block, in C order whatever the chunks' order and number: every chunk of the block is read once. */
async function gather<T extends Float32Array | Float64Array>(
  array: ZarrArray<DataType, FilesStore>,
  from: number,
  to: number,
  out: T,
): Promise<T> {
  const [, ...sides] = array.shape;
  const [rowsPerChunk, ...chunkSides] = array.chunks as [number, ...number[]];
  const grid = sides.map((side, axis) => Math.ceil(side / (chunkSides[axis] as number)));
  const size = sides.reduce((product, side) => product * side, 1);
  for (const place of places(grid)) {
    const chunk = await array.getChunk([from / rowsPerChunk, ...place]);
    const expected = array.chunks.reduce((product, side) => product * side, 1);
    const found = (chunk.data as ArrayLike<unknown>).length;
    if (found !== expected) throw new Error(`a chunk of ${found} instead of ${expected} values`);
    copyChunk(chunk, place, sides, chunkSides, to - from, size, out);
  }
  return out;
}

/** All places of a grid; one for no axes. */
function places(grid: readonly number[]): number[][] {
  return grid.reduce<number[][]>((all, count) => all.flatMap((place) => Array.from({ length: count }, (_, i) => [...place, i])), [[]]);
}

function copyChunk(
  { data, stride }: Chunk<DataType>,
  place: readonly number[],
  sides: readonly number[],
  chunkSides: readonly number[],
  rows: number,
  size: number,
  out: Float32Array | Float64Array,
): void {
  // What zarrita has for booleans is no typed array.
  const get = (data as { get?: (i: number) => unknown }).get?.bind(data);
  const values = data as unknown as ArrayLike<number | bigint>;
  const counts = sides.map((side, axis) =>
    Math.min(chunkSides[axis] as number, side - (place[axis] as number) * (chunkSides[axis] as number)),
  );
  const outStrides = sides.map((_, axis) => sides.slice(axis + 1).reduce((product, side) => product * side, 1));
  const first = place.reduce((sum, at, axis) => sum + at * (chunkSides[axis] as number) * (outStrides[axis] as number), 0);
  const walk = (axis: number, source: number, target: number): void => {
    if (axis === sides.length) {
      out[target] = Number(get === undefined ? values[source] : get(source));
      return;
    }
    for (let i = 0; i < (counts[axis] as number); i++) {
      walk(axis + 1, source + i * (stride[axis + 1] as number), target + i * (outStrides[axis] as number));
    }
  };
  for (let row = 0; row < rows; row++) walk(0, row * (stride[0] as number), row * size + first);
}

/** [3][height][width] → [height][width][3]. */
function interleaved(planes: Uint8Array): Uint8Array {
  const pixels = planes.length / 3;
  return Uint8Array.from(planes, (_, i) => planes[(i % 3) * pixels + Math.floor(i / 3)] as number);
}
