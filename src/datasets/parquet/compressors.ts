import type { Compressors } from 'hyparquet';
import { DatasetError } from '../../foundation/errors.js';

/** What `hyparquet` reads by itself. */
const BUILT_IN = ['UNCOMPRESSED', 'SNAPPY'];

/**
 * Decompressors for columns of these codecs, that refuse a page of more than `most` bytes. They are loaded where a column needs them, because
 * the package compiles WebAssembly as it is imported (for a quicker Snappy), which the content security policy of a page may forbid;
 * Snappy, which LeRobot writes, is then read without it.
 * @throws DatasetError for `file`, where another codec needs what cannot be loaded.
 */
export async function boundedCompressors(
  file: string,
  codecs: readonly string[],
  most: number,
  load: () => Promise<{ readonly compressors: Compressors }> = () => import('hyparquet-compressors'),
): Promise<Compressors> {
  if (codecs.every((codec) => codec === 'UNCOMPRESSED')) return {};
  let found: Compressors;
  try {
    found = (await load()).compressors;
  } catch (cause) {
    const others = codecs.filter((codec) => !BUILT_IN.includes(codec));
    if (others.length === 0) return {};
    throw new DatasetError(
      `${file}: expected decompressors for ${others.join(', ')}, which could not be loaded: ${(cause as Error).message}. In a page, allow ` +
        "'wasm-unsafe-eval' in the content security policy, or write the data set with Snappy.",
      { cause },
    );
  }
  return Object.fromEntries(
    Object.entries(found).map(([codec, decompress]) => [
      codec,
      (input: Uint8Array, length: number): Uint8Array => {
        if (!(length >= 0 && length <= most)) throw new Error(`a page of ${length} bytes in a column of ${most}`);
        return (decompress as (input: Uint8Array, length: number) => Uint8Array)(input, length);
      },
    ]),
  );
}
