import { erfc } from './reference.js';
import { type Values, valueAt, valuesOf, zeros } from './values.js';

/** Gradients in float64, from the formulas of training: what kernels are compared with, and finite differences compare with these. */

/** Derivative of exact GELU: Φ(x) + x · φ(x). */
export function geluSlope(x: number): number {
  return 0.5 * erfc(-x / Math.SQRT2) + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

export interface LayerNormGradient {
  readonly dx: Values;
  readonly dGamma: Float64Array;
  readonly dBeta: Float64Array;
}

/** Of layer norm over the channels of every token. */
export function layerNormGradient(x: Values, gamma: Float32Array, dy: Values): LayerNormGradient {
  const { batch, channels, length } = x;
  const dx = zeros(batch, channels, length);
  const dGamma = new Float64Array(channels);
  const dBeta = new Float64Array(channels);
  const all = Array.from({ length: channels }, (_, c) => c);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / channels;
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t < length; t++) {
      const row = all.map((c) => valueAt(x, b, c, t));
      const center = mean(row);
      const rho = 1 / Math.sqrt(mean(row.map((value) => (value - center) ** 2)) + 1e-5);
      const normalized = row.map((value) => (value - center) * rho);
      const q = all.map((c) => (gamma[c] as number) * valueAt(dy, b, c, t));
      const [first, second] = [mean(q), mean(q.map((value, c) => value * (normalized[c] as number)))];
      for (const c of all) {
        const n = normalized[c] as number;
        dx.data[(b * channels + c) * length + t] = rho * ((q[c] as number) - first - n * second);
        dGamma[c] = (dGamma[c] as number) + valueAt(dy, b, c, t) * n;
        dBeta[c] = (dBeta[c] as number) + valueAt(dy, b, c, t);
      }
    }
  }
  return { dx, dGamma, dBeta };
}

export interface AttentionGradient {
  readonly y: Values;
  readonly dq: Values;
  readonly dk: Values;
  readonly dv: Values;
}

/**
 * Of attention with dropout behind its softmax. `factor(b, head, query, key)`: 0 where a probability is dropped, else the scale.
 */
export function attentionGradient(
  { q, k, v, dy }: { readonly q: Values; readonly k: Values; readonly v: Values; readonly dy: Values },
  heads: number,
  factor: (b: number, head: number, query: number, key: number) => number = () => 1,
): AttentionGradient {
  const d = q.channels / heads;
  const [y, dq] = [zeros(q.batch, q.channels, q.length), zeros(q.batch, q.channels, q.length)];
  const [dk, dv] = [zeros(k.batch, k.channels, k.length), zeros(k.batch, k.channels, k.length)];
  const add = (values: Values, b: number, c: number, t: number, value: number): void => {
    const at = (b * values.channels + c) * values.length + t;
    values.data[at] = (values.data[at] as number) + value;
  };
  for (let b = 0; b < q.batch; b++) {
    for (let head = 0; head < heads; head++) {
      const channels = Array.from({ length: d }, (_, i) => head * d + i);
      const dot = (m: Values, i: number, n: Values, j: number): number =>
        channels.reduce((sum, c) => sum + valueAt(m, b, c, i) * valueAt(n, b, c, j), 0);
      for (let i = 0; i < q.length; i++) {
        const keys = Array.from({ length: k.length }, (_, j) => j);
        const scores = keys.map((j) => dot(q, i, k, j) / Math.sqrt(d));
        const highest = Math.max(...scores);
        const exponentials = scores.map((score) => Math.exp(score - highest));
        const total = exponentials.reduce((sum, value) => sum + value, 0);
        const p = exponentials.map((value) => value / total);
        const dp = keys.map((j) => factor(b, head, i, j) * dot(dy, i, v, j));
        const projected = keys.reduce((sum, j) => sum + (p[j] as number) * (dp[j] as number), 0);
        for (const j of keys) {
          const weight = factor(b, head, i, j) * (p[j] as number);
          const ds = ((p[j] as number) * ((dp[j] as number) - projected)) / Math.sqrt(d);
          for (const c of channels) {
            add(y, b, c, i, weight * valueAt(v, b, c, j));
            add(dv, b, c, j, weight * valueAt(dy, b, c, i));
            add(dq, b, c, i, ds * valueAt(k, b, c, j));
            add(dk, b, c, j, ds * valueAt(q, b, c, i));
          }
        }
      }
    }
  }
  return { y, dq, dk, dv };
}

/** Σ y · dy, the function whose gradient the above are. */
export function inner(y: Values, dy: Values): number {
  return y.data.reduce((sum, value, i) => sum + value * (dy.data[i] as number), 0);
}

/** Central differences of a function of values, element by element. */
export function finiteDifferences(x: Values, f: (x: Values) => number, h = 1e-5): Values {
  const at = (i: number, by: number): number => {
    const data = x.data.slice();
    data[i] = (data[i] as number) + by;
    return f({ ...x, data });
  };
  return { ...x, data: x.data.map((_, i) => (at(i, h) - at(i, -h)) / (2 * h)) };
}

/** A vector as values of one sample and token. */
export function vector(values: ArrayLike<number>): Values {
  return valuesOf(1, values.length, 1, (_b, c) => values[c] as number);
}
