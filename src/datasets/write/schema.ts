import type { SchemaElement } from 'hyparquet';
import type { DatasetFeature } from '../dataset.js';
import { BOOKKEEPING } from '../lerobot/info.js';

/**
 * Columns of LeRobot's parquet files, as pyarrow writes them: everything optional, lists of three levels, pictures a struct of bytes and path.
 * LeRobot reads them into the types of `huggingface` in the metadata of the file.
 */

const OPTIONAL = { repetition_type: 'OPTIONAL' } as const;
type Scalar = 'FLOAT' | 'DOUBLE' | 'INT64' | 'STRING';

export function schemaOf(columns: readonly (readonly SchemaElement[])[]): SchemaElement[] {
  return [{ repetition_type: 'REQUIRED', name: 'schema', num_children: columns.length }, ...columns.flat()];
}

export function scalarColumn(name: string, type: Scalar): SchemaElement[] {
  if (type !== 'STRING') return [{ type, ...OPTIONAL, name }];
  return [{ type: 'BYTE_ARRAY', ...OPTIONAL, name, converted_type: 'UTF8', logical_type: { type: 'STRING' } }];
}

/** Lists of numbers or texts; `depth` of lists of lists. */
export function listColumn(name: string, type: Scalar, depth = 1): SchemaElement[] {
  const list = (of: string): SchemaElement[] => [
    { ...OPTIONAL, name: of, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
    { repetition_type: 'REPEATED', name: 'list', num_children: 1 },
  ];
  const inner = Array.from({ length: depth - 1 }, () => list('element')).flat();
  return [...list(name), ...inner, ...scalarColumn('element', type)];
}

/** A vector: one number is no list in LeRobot. */
export function vectorColumn(name: string, size: number): SchemaElement[] {
  return size === 1 ? scalarColumn(name, 'FLOAT') : listColumn(name, 'FLOAT');
}

export function pictureColumn(name: string): SchemaElement[] {
  return [{ ...OPTIONAL, name, num_children: 2 }, { type: 'BYTE_ARRAY', ...OPTIONAL, name: 'bytes' }, ...scalarColumn('path', 'STRING')];
}

/** The metadata by which the `datasets` library knows the types of the columns. */
export function huggingfaceMetadata(features: readonly DatasetFeature[]): string {
  const value = (dtype: string): object => ({ dtype, _type: 'Value' });
  const types = features.map(({ name, kind, size }): [string, object] => {
    if (kind !== 'vector') return [name, { _type: 'Image' }];
    return [name, size === 1 ? value('float32') : { feature: value('float32'), length: size, _type: 'List' }];
  });
  const numbers = BOOKKEEPING.map((name): [string, object] => [name, value(name === 'timestamp' ? 'float32' : 'int64')]);
  return JSON.stringify({ info: { features: Object.fromEntries([...types, ...numbers]) } });
}
