import type { FeatureMapping } from '../../datasets/write/mapping.js';
import { UsageError } from '../../terminal/options.js';

/** NEW=OLD, NEW=OLD[3] or NEW=OLD[0:2], as Python slices. */
const MAPPING = /^([^=]+)=([^=[\]]+)(?:\[(\d+)(?::(\d+))?\])?$/;

export function mappingOf(text: string): FeatureMapping {
  const found = MAPPING.exec(text);
  if (found === null) throw new UsageError(`--feature must be NEW=OLD or NEW=OLD[first:end], found "${text}"`);
  const [, name, from, first, end] = found as unknown as [string, string, string, string | undefined, string | undefined];
  if (first === undefined) return { name, from };
  const count = end === undefined ? 1 : Number(end) - Number(first);
  if (count < 1) throw new UsageError(`--feature ${text}: the end must be behind the first dimension`);
  return { name, from, first: Number(first), count };
}
