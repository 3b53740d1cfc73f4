import type { ColumnMetaData, FileMetaData, RowGroup } from 'hyparquet';
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet/src/index.js';
import type { ByteSource } from '../../checkpoints/source.js';
import { DatasetError } from '../../foundation/errors.js';
import { boundedCompressors } from './compressors.js';
import { checkPages } from './pages.js';

/** Of one column in one row group: what is read at once. LeRobot's files have at most 100 MB in all. */
const MAX_COLUMN_BYTES = 1024 * 1024 * 1024;
const MAX_FOOTER_BYTES = 64 * 1024 * 1024;
const MAX_ROWS = 2 ** 31 - 1;
/** Values in a row of a column whose width nobody said, such as a list of tasks. */
const MOST_VALUES_PER_ROW = 4096;

/** Rows that were written together; the unit of reading. */
export interface ParquetGroup {
  readonly from: number;
  readonly to: number;
}

/**
 * A parquet file, by `hyparquet`. A library trusts what it decodes; a damaged file shall neither hang nor fill the memory, so sizes and
 * counts are checked against the bytes that are there before it sees them.
 */
export class ParquetFile {
  readonly name: string;
  readonly rows: number;
  readonly groups: readonly ParquetGroup[];
  /** Top-level names. */
  readonly columns: ReadonlySet<string>;
  readonly #file: ByteSource;
  readonly #metadata: FileMetaData;

  private constructor(file: ByteSource, metadata: FileMetaData) {
    this.name = file.name;
    this.#file = file;
    this.#metadata = metadata;
    let at = 0;
    this.groups = metadata.row_groups.map(({ num_rows }) => {
      const rows = Number(num_rows);
      if (!(rows >= 0 && at + rows <= MAX_ROWS)) throw this.#damaged(`a row group of ${num_rows} rows`);
      const from = at;
      at += rows;
      return { from, to: at };
    });
    this.rows = at;
    if (Number(metadata.num_rows) !== at) throw this.#damaged(`${metadata.num_rows} rows, ${at} of them in row groups`);
    this.columns = new Set(
      metadata.row_groups.flatMap(({ columns }) => columns.map(({ meta_data }) => meta_data?.path_in_schema[0] ?? '')),
    );
  }

  /** Reads and checks the footer. @throws DatasetError */
  static async open(file: ByteSource): Promise<ParquetFile> {
    const metadata = await decoding(file.name, async () => {
      const found = await parquetMetadataAsync(buffered(file), { geoparquet: false });
      for (const group of found.row_groups) for (const column of group.columns) checkMeta(column);
      return found;
    });
    return new ParquetFile(file, metadata);
  }

  /**
   * All rows of a column in a group: numbers, bigints, strings or bytes as the file has them, lists as lists. `valuesPerRow`: of a
   * list, where it is known.
   * @throws DatasetError for what is damaged.
   */
  async readColumn(name: string, group: number, valuesPerRow = MOST_VALUES_PER_ROW): Promise<readonly unknown[]> {
    const { from, to } = this.groups[group] as ParquetGroup;
    if (!this.columns.has(name)) throw this.#damaged(`no column "${name}"`);
    const chunks = (this.#metadata.row_groups[group] as RowGroup).columns.flatMap(({ meta_data: meta }) => {
      return meta?.path_in_schema[0] === name ? [meta] : [];
    });
    if (from === to) return [];
    return decoding(this.name, async () => {
      const parts: Part[] = [];
      for (const meta of chunks) parts.push(await this.#readChunk(meta, (to - from) * valuesPerRow));
      const most = Math.max(...chunks.map((meta) => Number(meta.total_uncompressed_size)));
      const codecs = chunks.map(({ codec }) => codec);
      const compressors = await boundedCompressors(this.name, codecs, most);
      const rows = await parquetReadObjects({
        file: { byteLength: this.#file.size, slice: (start, end = this.#file.size) => sliceOf(parts, start, end) },
        metadata: this.#metadata,
        columns: [name],
        rowStart: from,
        rowEnd: to,
        compressors,
        geoparquet: false,
        utf8: false,
      });
      if (rows.length !== to - from) throw new Error(`${rows.length} of ${to - from} rows`);
      return rows.map((row) => row[name] as unknown);
    });
  }

  async #readChunk(meta: ColumnMetaData, mostValues: number): Promise<Part> {
    const start = Math.min(Number(meta.data_page_offset), Number(meta.dictionary_page_offset || meta.data_page_offset));
    const length = Number(meta.total_compressed_size);
    const values = Number(meta.num_values);
    if (!(start >= 4 && length > 0 && start + length <= this.#file.size)) throw new Error(`a column beyond its ${this.#file.size} bytes`);
    if (!(length <= MAX_COLUMN_BYTES && Number(meta.total_uncompressed_size) <= MAX_COLUMN_BYTES)) {
      throw new Error(`a column of ${meta.total_uncompressed_size} bytes in one row group`);
    }
    if (!(values >= 0 && values <= mostValues)) throw new Error(`${values} values of "${meta.path_in_schema.join('.')}"`);
    const bytes = new Uint8Array(length);
    await this.#file.read(start, bytes);
    checkPages(bytes, meta);
    return { start, bytes };
  }

  #damaged(found: string): DatasetError {
    return damaged(this.name, found);
  }
}

/** Bytes of the file from a position. */
interface Part {
  readonly start: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Bytes [start, end) of the file, which may lie in several parts: the leaves of a struct are fetched together. */
function sliceOf(parts: readonly Part[], start: number, end: number): ArrayBuffer {
  const out = new Uint8Array(end - start);
  let filled = 0;
  for (const { start: first, bytes } of parts) {
    const [from, to] = [Math.max(start, first), Math.min(end, first + bytes.length)];
    if (from >= to) continue;
    out.set(bytes.subarray(from - first, to - first), from - start);
    filled += to - from;
  }
  if (filled !== out.length) throw new Error(`bytes ${start} to ${end} of a column that begins or ends elsewhere`);
  return out.buffer;
}

/** Holds what is relied on to be there. @throws Error */
function checkMeta({ meta_data: meta, file_path }: RowGroup['columns'][number]): void {
  if (meta === undefined || file_path !== undefined) throw new Error('a column without metadata, or in another file');
  const path: unknown = meta.path_in_schema;
  if (!Array.isArray(path) || path.length === 0) throw new Error('a column without a name');
  for (const value of [meta.num_values, meta.total_compressed_size, meta.total_uncompressed_size, meta.data_page_offset]) {
    if (typeof value !== 'bigint') throw new Error('a column without its sizes');
  }
}

/** The file as hyparquet reads it; it asks for the footer alone. */
function buffered(file: ByteSource): { byteLength: number; slice(start: number, end?: number): Promise<ArrayBuffer> } {
  return {
    byteLength: file.size,
    slice: async (start, end = file.size) => {
      const length = end - start;
      if (!(start >= 0 && length >= 0 && length <= MAX_FOOTER_BYTES && end <= file.size)) throw new Error(`a footer of ${length} bytes`);
      const bytes = new Uint8Array(length);
      await file.read(start, bytes);
      return bytes.buffer;
    },
  };
}

async function decoding<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DatasetError) throw error;
    throw damaged(name, (error as Error).message, error);
  }
}

function damaged(name: string, found: string, cause?: unknown): DatasetError {
  return new DatasetError(`${name}: expected a parquet file, found: ${found}. It is truncated or damaged: copy or download it again.`, {
    cause,
  });
}
