import type { ColumnMetaData } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';

/**
 * Walks over the pages of a column chunk and holds their headers to what the column says: sizes to the bytes that are there, counts to the
 * number of values. Counts come before arrays are made of them.
 * @throws Error saying what does not fit.
 */
export function checkPages(bytes: Uint8Array<ArrayBuffer>, meta: ColumnMetaData): void {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
  const most = Number(meta.total_uncompressed_size);
  const expected = Number(meta.num_values);
  let [values, uncompressed] = [0, 0];
  while (reader.offset < bytes.length) {
    const header = parquetHeader(reader);
    const { compressed_page_size: size, uncompressed_page_size: full } = header;
    if (!isCount(size) || reader.offset + size > bytes.length) throw new Error(`a page of ${size} bytes, beyond its column`);
    if (!isCount(full) || uncompressed + full > most) throw new Error(`a page of ${full} bytes, beyond its column`);
    uncompressed += full;
    const dictionary = header.dictionary_page_header;
    if (header.type === 'DICTIONARY_PAGE') {
      if (!isCount(dictionary?.num_values) || dictionary.num_values > full)
        throw new Error(`a dictionary of ${dictionary?.num_values} values`);
    } else {
      const count = header.type === 'DATA_PAGE' ? header.data_page_header?.num_values : header.data_page_header_v2?.num_values;
      if (!isCount(count) || values + count > expected) throw new Error(`a page of ${count} values in a column of ${expected}`);
      const second = header.data_page_header_v2;
      if (second !== undefined) {
        const levels = [second.definition_levels_byte_length, second.repetition_levels_byte_length];
        if (!levels.every(isCount) || (levels[0] as number) + (levels[1] as number) > size) throw new Error('levels beyond their page');
        if (!isCount(second.num_rows) || !isCount(second.num_nulls) || second.num_nulls > count) throw new Error('counts that do not fit');
      }
      values += count;
    }
    reader.offset += size;
  }
  if (values !== expected) throw new Error(`${values} of ${expected} values`);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
