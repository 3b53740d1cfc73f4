import { type ByteSource, type CheckpointSource, listed } from '../checkpoints/source.js';
import { parseStrictJson } from '../checkpoints/strict-json.js';
import { DatasetError, OptionError, WarmstepError } from '../foundation/errors.js';

/**
 * A folder with everything below it: a source whose `list` gives paths from it, separated by "/", and whose `open` takes them.
 * `memorySource` and `blobSource` are such sources where files are named by their paths; Node's `openDataset` makes one of a folder.
 */
export type DatasetSource = CheckpointSource;

/** Metadata files are far below; a parquet footer or a line of statistics is not read beyond this either. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024;
const NEWLINE = 0x0a;
const SPACE = 0x20;
/** Bytes per read of a file of lines. */
const PART_BYTES = 1024 * 1024;

/** The files of a data set by path. What a source throws becomes a DatasetError. */
export class DatasetFiles {
  readonly name: string;
  readonly paths: ReadonlySet<string>;
  readonly #source: DatasetSource;

  private constructor(source: DatasetSource, paths: readonly string[]) {
    this.name = source.name;
    this.paths = new Set(paths.map((path) => path.replaceAll('\\', '/')));
    this.#source = source;
  }

  static async list(source: DatasetSource): Promise<DatasetFiles> {
    return new DatasetFiles(source, await asDatasetError(source.list()));
  }

  has(path: string): boolean {
    return this.paths.has(path);
  }

  /** Paths that begin so, in order. */
  below(prefix: string): string[] {
    return [...this.paths].filter((path) => path.startsWith(prefix)).sort();
  }

  /** @throws DatasetError when it is not there. */
  async open(path: string): Promise<ByteSource> {
    if (!this.has(path)) {
      throw new DatasetError(
        `${this.name}: expected a file "${path}", found ${listed([...this.paths])}. Give the whole folder of the data set.`,
      );
    }
    const file = await asDatasetError(this.#source.open(path));
    return { name: path, size: file.size, read: (offset, into) => asDatasetError(file.read(offset, into)) };
  }

  /** All bytes of a small file. */
  async bytes(path: string, most = MAX_TEXT_BYTES): Promise<Uint8Array<ArrayBuffer>> {
    const file = await this.open(path);
    if (file.size > most) {
      throw new DatasetError(`${path}: expected at most ${most} bytes, found ${file.size}. It is no file of that kind: export it again.`);
    }
    const bytes = new Uint8Array(file.size);
    await file.read(0, bytes);
    return bytes;
  }

  /** The value of a JSON file; Python's NaN and Infinity are read too. */
  async json(path: string): Promise<unknown> {
    const bytes = await this.bytes(path);
    return inDatasetWords(() => parseStrictJson(bytes, path));
  }

  /** The values of a file with one JSON value per line, one by one, with their places. */
  async *jsonLines(path: string): AsyncGenerator<{ value: unknown; where: string }> {
    let number = 0;
    for await (const line of this.#lines(path)) {
      const where = `${path}, line ${++number}`;
      if (line.some((byte) => byte > SPACE)) yield { value: inDatasetWords(() => parseStrictJson(line, where)), where };
    }
  }

  async *#lines(path: string): AsyncGenerator<Uint8Array> {
    const file = await this.open(path);
    let rest: Uint8Array<ArrayBuffer> = new Uint8Array(0);
    for (let offset = 0; offset < file.size; offset += PART_BYTES) {
      const length = Math.min(PART_BYTES, file.size - offset);
      const part = new Uint8Array(rest.length + length);
      part.set(rest);
      await file.read(offset, part.subarray(rest.length));
      let begin = 0;
      for (let end = part.indexOf(NEWLINE, rest.length); end >= 0; end = part.indexOf(NEWLINE, begin)) {
        yield part.subarray(begin, end);
        begin = end + 1;
      }
      rest = part.slice(begin);
      if (rest.length > MAX_TEXT_BYTES) {
        throw new DatasetError(`${path}: expected lines of at most ${MAX_TEXT_BYTES} bytes, found a longer one. Export it again.`);
      }
    }
    if (rest.length > 0) yield rest;
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}

/** What a source throws for files that are gone, short or unreadable is right in its words; its class is that of data sets. */
export async function asDatasetError<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw datasetErrorOf(error);
  }
}

/** The same of work that is done at once. */
export function inDatasetWords<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw datasetErrorOf(error);
  }
}

function datasetErrorOf(error: unknown): unknown {
  if (error instanceof DatasetError || error instanceof OptionError || !(error instanceof WarmstepError)) return error;
  return new DatasetError(error.message, { cause: error });
}
