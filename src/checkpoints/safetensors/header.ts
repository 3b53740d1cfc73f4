import { CheckpointError } from '../../foundation/errors.js';
import { JsonObject, shown } from '../json-object.js';
import { type ByteSource, listed } from '../source.js';
import { parseStrictJson } from '../strict-json.js';
import { DTYPE_BYTES, type Dtype, dtypeBits, isDtypeName } from './dtypes.js';

/** Where a tensor lies: byte offsets count from the start of the file. */
export interface TensorInfo {
  readonly name: string;
  /** One that can be read, or the name of another: such a tensor does no harm until something reads it. */
  readonly dtype: Dtype | (string & {});
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
  readonly elements: number;
}

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Headers of policies take some 20 kB. The format allows 100 MB, which would take minutes and gigabytes to check. */
const MAX_HEADER_BYTES = 1024 * 1024;
const TENSOR_KEYS = ['dtype', 'shape', 'data_offsets'];

/**
 * Reads and checks the header: 8 bytes of little-endian length, then JSON, then the data. Every byte of the data must
 * belong to exactly one tensor, so a changed length, shape or offset cannot go unnoticed.
 */
export async function readHeader(source: ByteSource): Promise<SafetensorsHeader> {
  if (source.size < 8) {
    throw new CheckpointError(
      `${source.name}: expected a safetensors file, found ${source.size} bytes, fewer than the ` +
        '8 of its header length. Download it again.',
    );
  }
  const prefix = new Uint8Array(8);
  await source.read(0, prefix);
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  const most = source.size - 8;
  if (length < 2n || length > BigInt(most)) {
    throw new CheckpointError(
      `${source.name}: expected a header of 2 to ${most} bytes, found a length of ${length}. ` +
        'The file is not safetensors, or it is truncated (a Git LFS pointer, perhaps): download it again.',
    );
  }
  if (length > MAX_HEADER_BYTES) {
    throw new CheckpointError(
      `${source.name}: expected a header of at most ${MAX_HEADER_BYTES} bytes, found ${length}. ` +
        "A policy's header has some thousands: export the checkpoint again, without other tensors and metadata.",
    );
  }
  const text = new Uint8Array(Number(length));
  await source.read(8, text);
  const header = new JsonObject(`${source.name}, header`, parseStrictJson(text, `${source.name}, header`));
  const dataStart = 8 + text.byteLength;
  const tensors = new Map<string, TensorInfo>();
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of header.entries()) {
    if (name === '__metadata__') metadata = parseMetadata(source.name, value);
    else tensors.set(name, parseTensor(source, name, value, dataStart));
  }
  checkCoverage(source, [...tensors.values()], dataStart);
  return { tensors, metadata };
}

function parseMetadata(file: string, value: unknown): Map<string, string> {
  const metadata = new Map<string, string>();
  const entries = new JsonObject(`${file}, "__metadata__"`, value);
  for (const [key] of entries.entries()) metadata.set(key, entries.string(key));
  return metadata;
}

function parseTensor(source: ByteSource, name: string, value: unknown, dataStart: number): TensorInfo {
  const where = `${source.name}, tensor "${name.slice(0, 200)}"`;
  const entry: JsonObject = new JsonObject(where, value);
  const extra = entry.keys().filter((key) => !TENSOR_KEYS.includes(key));
  if (extra.length > 0) {
    throw new CheckpointError(
      `${where}: expected the keys ${listed(TENSOR_KEYS)}, found ${listed(extra)} too. ` + 'Export the file again.',
    );
  }
  const dtype = entry.value('dtype');
  if (!isDtypeName(dtype)) entry.fail('dtype', `one of ${Object.keys(DTYPE_BYTES).join(', ')}`);
  const shape = entry.integers('shape', { min: 0, max: Number.MAX_SAFE_INTEGER });
  const offsets = entry.integers('data_offsets', { min: 0, max: Number.MAX_SAFE_INTEGER });
  const [first, last] = offsets;
  if (offsets.length !== 2 || first === undefined || last === undefined || last < first || last > source.size - dataStart) {
    throw new CheckpointError(
      `${where}: expected data_offsets [begin, end] within the ${source.size - dataStart} bytes ` +
        `of data, found ${shown(offsets)}. The file is truncated or damaged: download it again.`,
    );
  }
  // A product beyond the exact integers stays beyond any byte count, so it needs no check of its own.
  const elements = shape.reduce((all, size) => all * size, 1);
  const bits = dtypeBits(dtype);
  if (bits !== undefined && elements * bits !== (last - first) * 8) {
    throw new CheckpointError(
      `${where}: expected ${bits / 8} bytes for each element of ${dtype} ` +
        `${shown(shape)}, found ${last - first} bytes in all. The file is damaged: download it again.`,
    );
  }
  return { name, dtype, shape, begin: dataStart + first, end: dataStart + last, elements };
}

function checkCoverage(source: ByteSource, tensors: readonly TensorInfo[], dataStart: number): void {
  let position = dataStart;
  let previous = 'the header';
  for (const tensor of [...tensors].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (tensor.begin !== position) {
      const kind = tensor.begin < position ? 'overlaps' : 'leaves a hole after';
      throw new CheckpointError(
        `${source.name}: tensor "${tensor.name}" ${kind} ${previous}: expected it at offset ` +
          `${position - dataStart} of the data, found ${tensor.begin - dataStart}. Export the file again.`,
      );
    }
    position = tensor.end;
    previous = `tensor "${tensor.name}"`;
  }
  if (position !== source.size) {
    throw new CheckpointError(
      `${source.name}: expected the file to end after ${previous} at byte ${position}, found ` +
        `${source.size} bytes. Export the file again.`,
    );
  }
}
