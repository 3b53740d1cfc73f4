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
  readonly unpackHalf: WeightFormat['unpackHalf'];
  /** Uses of a pair of the turn, in ascending order of columns. */
  readonly usesOf: (position: number) => readonly WeightUse[];
}

/** Text that takes weight by weight: each is loaded right before its products, for all columns. */
function productsByWeight({ chunks, pairs, loaded, unpack, usesOf }: TurnText): string {
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
function productsByColumn({ columns, chunks, pairs, loaded, unpack, usesOf }: TurnText): string {
  const weights: string[] = [];
  const products = Array.from({ length: columns }, (): string[] => []);
  for (let position = 0; position < chunks * pairs; position++) {
    const uses = usesOf(position);
    if (uses.length > 0) weights.push(`    let w${position} = ${unpack(`chunk${Math.floor(position / pairs)}`, position % pairs)};`);
    for (const { column, value } of uses) products[column]?.push(`    acc${column} += w${position} * ${value};`);
  }
  return [unroll(chunks, (index) => `    let chunk${index} = ${loaded(index)};`), ...weights, ...products.flat()].join('\n');
}

/** Columns of a tile of sums. With two rows that is half of the registers of an AVX2 processor; the other half is for what they are made of. */
const TILE_COLUMNS = 4;

/**
 * The same sums in the same order, tile by tile: two output channels of four columns at once, so that their sums stay in registers, and a weight
 * is decoded where it is used instead of waiting in memory. All chunks of the turn are loaded first.
 * @throws TypeError for weights that are not taken by twos.
 */
function productsByTile({ columns, chunks, pairs, loaded, unpackHalf, usesOf }: TurnText): string {
  if (!unpackHalf) throw new TypeError('products by tile take carried codes of int8 alone: other weights come in another order');
  const lines: string[] = [];
  for (let first = 0; first < columns; first += TILE_COLUMNS) {
    for (const half of [0, 1] as const) {
      lines.push('    {');
      for (let position = 0; position < chunks * pairs; position++) {
        const uses = usesOf(position).filter(({ column }) => column >= first && column < first + TILE_COLUMNS);
        if (uses.length === 0) continue;
        lines.push(`      let w${position} = ${unpackHalf(`chunk${Math.floor(position / pairs)}`, position % pairs, half)};`);
        for (const { column, value } of uses) {
          for (const row of [0, 1]) lines.push(`      acc${column}[${2 * half + row}] += w${position}[${row}] * ${value};`);
        }
      }
      lines.push('    }');
    }
  }
  return [unroll(chunks, (index) => `    let chunk${index} = ${loaded(index)};`), ...lines].join('\n');
}

/** How the products of a turn are ordered; every order gives the same bits. */
export type ProductOrder = 'by weight' | 'by column' | 'by tile';

export const PRODUCTS: Readonly<Record<ProductOrder, (text: TurnText) => string>> = {
  'by weight': productsByWeight,
  'by column': productsByColumn,
  'by tile': productsByTile,
};
