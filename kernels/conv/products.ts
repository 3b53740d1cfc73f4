import type { WeightFormat } from '../lib/weight-storage.wgsl.js';
import { unroll } from '../lib/wgsl.js';

/** A column that the weights of a pair (channel, tap) are part of, and the input that they meet there: an expression of type f32. */
export interface WeightUse {
  readonly column: number;
  readonly value: string;
}

/** What the products of one turn of a convolution's loop are made of. Sums are variables `acc<column>`. */
export interface TurnText {
  /** Columns of a tile. */
  readonly columns: number;
  readonly chunks: number;
  /** Pairs in a chunk. */
  readonly pairs: number;
  /** Loads a chunk: an expression. */
  readonly loaded: (chunk: number) => string;
  readonly unpack: WeightFormat['unpack'];
  /** Uses of a pair of the turn, in ascending order of columns. */
  readonly usesOf: (position: number) => readonly WeightUse[];
}

/** Text that takes weight by weight: each is loaded right before its products, for all columns. */
export function productsByWeight({ chunks, pairs, loaded, unpack, usesOf }: TurnText): string {
  const product = (index: number, pair: number): string => {
    const uses = usesOf(index * pairs + pair);
    if (uses.length === 0) return '';
    const lines = uses.map(({ column, value }) => `        acc${column} += w * ${value};`);
    return `      {\n        let w = ${unpack('chunk', pair)};\n${lines.join('\n')}\n      }`;
  };
  return unroll(
    chunks,
    (index) => `    {
      let chunk = ${loaded(index)};
${unroll(pairs, (pair) => product(index, pair))}
    }`,
  );
}

/** The same sums in the same order, column by column: all weights of the turn are loaded first. */
export function productsByColumn({ columns, chunks, pairs, loaded, unpack, usesOf }: TurnText): string {
  const weights: string[] = [];
  const products = Array.from({ length: columns }, (): string[] => []);
  for (let position = 0; position < chunks * pairs; position++) {
    const uses = usesOf(position);
    if (uses.length > 0) weights.push(`    let w${position} = ${unpack(`chunk${Math.floor(position / pairs)}`, position % pairs)};`);
    for (const { column, value } of uses) products[column]?.push(`    acc${column} += w${position} * ${value};`);
  }
  return [unroll(chunks, (index) => `    let chunk${index} = ${loaded(index)};`), ...weights, ...products.flat()].join('\n');
}
