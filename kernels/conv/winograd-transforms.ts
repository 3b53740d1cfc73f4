import { f32 } from '../lib/wgsl.js';

/** Side of a tile of outputs. */
export type WinogradTile = 2 | 4;

/** One step of a transformation along one side of a patch, on values of these names: definitions, and expressions of the results. */
interface Lines {
  readonly definitions: readonly string[];
  readonly results: readonly string[];
}

/**
 * The matrices of F(m×m, 3×3) for one side of a tile: y = Aᵀ[(G g) ⊙ (Bᵀ d)] for m outputs of n = m + 2 inputs (Lavin and Gray 2015). They
 * follow from n − 1 points p_j (Toom and Cook; the last one is ∞), with N_j = Π_{l≠j} (p_j − p_l), but for the signs of rows of G and Bᵀ:
 *
 *     Aᵀ[i, j] = p_j^i     G[j, k] = p_j^k / N_j     Bᵀ[j] = coefficients of Π_{l≠j} (x − p_l)
 */
export interface WinogradTransforms {
  readonly tile: WinogradTile;
  /** Inputs along a side, and products. */
  readonly patch: number;
  /** G, row by row. */
  readonly weights: readonly (readonly [number, number, number])[];
  /** Bᵀ d. */
  readonly input: (d: (index: number) => string) => Lines;
  /** Aᵀ m. */
  readonly output: (m: (index: number) => string) => Lines;
}

/** The points 0, 1, −1 and ∞. */
const SMALL: WinogradTransforms = {
  tile: 2,
  patch: 4,
  weights: [
    [1, 0, 0],
    [1 / 2, 1 / 2, 1 / 2],
    [1 / 2, -1 / 2, 1 / 2],
    [0, 0, 1],
  ],
  input: (d) => ({
    definitions: [],
    results: [`${d(0)} - ${d(2)}`, `${d(1)} + ${d(2)}`, `${d(2)} - ${d(1)}`, `${d(1)} - ${d(3)}`],
  }),
  output: (m) => ({ definitions: [], results: [`${m(0)} + ${m(1)} + ${m(2)}`, `${m(1)} - ${m(2)} - ${m(3)}`] }),
};

/**
 * Points of F(4×4, 3×3): 0, ±A, ±B and ∞. With ±1 and ±2, the usual ones, sums of 128 channels are off by five times as much as those of a
 * plain convolution; with these by not twice as much. All coefficients of Aᵀ and Bᵀ are exact in f32.
 */
const A = 3 / 4;
const B = 5 / 4;

/** A row of G for a point, where the product of its distances from the others is known. */
function weightRow(point: number, distances: number): [number, number, number] {
  return [1 / distances, point / distances, (point * point) / distances];
}

const LARGE: WinogradTransforms = {
  tile: 4,
  patch: 6,
  weights: [
    weightRow(0, A * A * B * B),
    weightRow(A, 2 * A * A * (A * A - B * B)),
    weightRow(-A, 2 * A * A * (A * A - B * B)),
    weightRow(B, 2 * B * B * (B * B - A * A)),
    weightRow(-B, 2 * B * B * (B * B - A * A)),
    [0, 0, 1],
  ],
  // Even and odd powers apart: ±p share both.
  input: (d) => ({
    definitions: [
      `let even_a = ${d(4)} - ${f32(B * B)} * ${d(2)};`,
      `let odd_a = ${f32(A)} * ${d(3)} - ${f32(A * B * B)} * ${d(1)};`,
      `let even_b = ${d(4)} - ${f32(A * A)} * ${d(2)};`,
      `let odd_b = ${f32(B)} * ${d(3)} - ${f32(B * A * A)} * ${d(1)};`,
    ],
    results: [
      `${f32(A * A * B * B)} * ${d(0)} - ${f32(A * A + B * B)} * ${d(2)} + ${d(4)}`,
      'even_a + odd_a',
      'even_a - odd_a',
      'even_b + odd_b',
      'even_b - odd_b',
      `${f32(A * A * B * B)} * ${d(1)} - ${f32(A * A + B * B)} * ${d(3)} + ${d(5)}`,
    ],
  }),
  output: (m) => ({
    definitions: [
      `let sum_a = ${m(1)} + ${m(2)};`,
      `let difference_a = ${m(1)} - ${m(2)};`,
      `let sum_b = ${m(3)} + ${m(4)};`,
      `let difference_b = ${m(3)} - ${m(4)};`,
    ],
    results: [
      `${m(0)} + sum_a + sum_b`,
      `${f32(A)} * difference_a + ${f32(B)} * difference_b`,
      `${f32(A ** 2)} * sum_a + ${f32(B ** 2)} * sum_b`,
      `${f32(A ** 3)} * difference_a + ${f32(B ** 3)} * difference_b + ${m(5)}`,
    ],
  }),
};

export function winogradTransforms(tile: WinogradTile): WinogradTransforms {
  return tile === 2 ? SMALL : LARGE;
}

/** Products of a tile, instead of 9 for each of its outputs. */
export function winogradPositions(tile: WinogradTile): number {
  return winogradTransforms(tile).patch ** 2;
}

/**
 * Weights [pair of channels][3×3] in the space of the products, G g Gᵀ, position by position. In float64, each result rounded once.
 */
export function transformWeights(weights: Float32Array, tile: WinogradTile): Float32Array[] {
  const { patch, weights: rows } = winogradTransforms(tile);
  const pairs = weights.length / 9;
  const positions = Array.from({ length: patch * patch }, () => new Float32Array(pairs));
  const left = new Float64Array(3 * patch);
  for (let pair = 0; pair < pairs; pair++) {
    // G g, column by column of g.
    for (let column = 0; column < 3; column++) {
      const at = pair * 9 + column;
      const [a, b, c] = [weights[at] as number, weights[at + 3] as number, weights[at + 6] as number];
      rows.forEach(([x, y, z], row) => {
        left[3 * row + column] = x * a + y * b + z * c;
      });
    }
    for (let row = 0; row < patch; row++) {
      const [a, b, c] = [left[3 * row] as number, left[3 * row + 1] as number, left[3 * row + 2] as number];
      rows.forEach(([x, y, z], column) => {
        (positions[patch * row + column] as Float32Array)[pair] = x * a + y * b + z * c;
      });
    }
  }
  return positions;
}
