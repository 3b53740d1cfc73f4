import { describe, expect, it } from 'vitest';
import { boundedCompressors } from '../../src/datasets/parquet/compressors.js';
import { DatasetError } from '../../src/foundation/errors.js';

describe('decompressors of parquet', () => {
  const forbidden = (): never => {
    throw new Error('refused by the policy of this page');
  };

  it('are not asked for where nothing is compressed, and not needed for Snappy', async () => {
    expect(await boundedCompressors('a.parquet', ['UNCOMPRESSED'], 10, forbidden)).toEqual({});
    expect(await boundedCompressors('a.parquet', ['SNAPPY', 'UNCOMPRESSED'], 10, async () => forbidden())).toEqual({});
  });

  it('that cannot be loaded are an error that names file, codec and reason', async () => {
    const found = boundedCompressors('a.parquet', ['SNAPPY', 'ZSTD'], 10, async () => forbidden());
    await expect(found).rejects.toThrow(DatasetError);
    await expect(found).rejects.toThrow(/a\.parquet: expected decompressors for ZSTD, .*refused by the policy of this page.*Snappy/);
  });

  it('refuse a page of more bytes than its column has', async () => {
    const { GZIP } = await boundedCompressors('a.parquet', ['GZIP'], 10);
    expect(() => GZIP?.(new Uint8Array(4), 11)).toThrow('a page of 11 bytes in a column of 10');
  });
});
