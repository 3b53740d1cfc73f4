import { describe, expect, it } from 'vitest';
import { convTransposeView, convView, packRows, type MatrixView } from '../../src/ops/weight-packing.js';

/** All rows of a view, packed in parts of `rowsPerPart` rows as an upload does. */
function pack(source: Float32Array, view: MatrixView, rowsPerPart: number): number[] {
  const width = Math.ceil(view.columns / 4) * 4;
  const rows: number[] = [];
  for (let first = 0; first < view.rows; first += rowsPerPart) {
    const count = Math.min(rowsPerPart, view.rows - first);
    // Staging memory holds what the last upload left in it.
    const part = new Float32Array(count * width).fill(NaN);
    packRows(source, view, first, count, width, part);
    rows.push(...part);
  }
  return rows;
}

describe('packed weights are [input][tap][output], outputs padded with zeros to a multiple of four', () => {
  it('of a convolution [output][input][tap]', () => {
    // Value = output, input, tap as digits.
    const source = Float32Array.from({ length: 2 * 2 * 3 }, (_, i) => 100 * Math.floor(i / 6) + 10 * (Math.floor(i / 3) % 2) + (i % 3));
    const packed = [0, 100, 0, 0, 1, 101, 0, 0, 2, 102, 0, 0, 10, 110, 0, 0, 11, 111, 0, 0, 12, 112, 0, 0];
    expect(pack(source, convView(2, 2, 3), 6)).toEqual(packed);
    expect(pack(source, convView(2, 2, 3), 1)).toEqual(packed);
    expect(pack(source, convView(2, 2, 3), 4)).toEqual(packed);
  });

  it('of a transposed convolution [input][output][tap]', () => {
    // Value = input, output, tap as digits.
    const source = Float32Array.from({ length: 2 * 3 * 2 }, (_, i) => 100 * Math.floor(i / 6) + 10 * (Math.floor(i / 2) % 3) + (i % 2));
    expect(pack(source, convTransposeView(3, 2, 2), 4)).toEqual([0, 10, 20, 0, 1, 11, 21, 0, 100, 110, 120, 0, 101, 111, 121, 0]);
  });

  it('with more outputs than one block, and without padding where none is needed', () => {
    const source = Float32Array.from({ length: 36 * 2 }, (_, i) => i);
    const packed = pack(source, convView(36, 2, 1), 2);
    expect(packed).toHaveLength(72);
    expect(packed.slice(0, 36)).toEqual(Array.from({ length: 36 }, (_, o) => 2 * o));
    expect(packed.slice(36)).toEqual(Array.from({ length: 36 }, (_, o) => 2 * o + 1));
  });

  it('of a part of a matrix: rows of a joint projection, columns of a FiLM projection', () => {
    const source = Float32Array.from({ length: 4 * 3 }, (_, i) => i);
    expect(pack(source, { ...convView(2, 3, 1), offset: 2 * 3 }, 3)).toEqual([6, 9, 0, 0, 7, 10, 0, 0, 8, 11, 0, 0]);
    const columns: MatrixView = { rows: 2, columns: 4, taps: 1, offset: 1, inputStride: 1, outputStride: 3 };
    expect(pack(source, columns, 2)).toEqual([1, 4, 7, 10, 2, 5, 8, 11]);
  });
});
