import { expect, it } from 'vitest';
import { texelRuns } from '../../src/runtime/texture-rows.js';

it.each([
  [8, 0, 8],
  [8, 3, 2],
  [8, 3, 5],
  [8, 3, 6],
  [8, 8, 17],
  [8, 13, 40],
  [5, 4, 1],
])('rows of %i: texels %i and %i more are covered once, in order', (width, first, count) => {
  const covered: number[] = [];
  for (const { texel, x, y, width: columns, rows } of texelRuns(width, first, count)) {
    expect(texel).toBe(covered.length);
    expect(x + columns).toBeLessThanOrEqual(width);
    if (rows > 1) expect(columns).toBe(width);
    for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) covered.push((y + row) * width + x + column);
  }
  expect(covered).toEqual(Array.from({ length: count }, (_, i) => first + i));
});

it('of no texels there are no rectangles', () => {
  expect(texelRuns(8, 3, 0)).toEqual([]);
});
