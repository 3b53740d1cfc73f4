import { mish } from './reference.js';
import { type Values, valueAt, valuesOf, zeros } from './values.js';

/** Backward passes written down in float64, index by index: what the kernels of training are compared with. */

export interface LinearMap {
  /** [out][in][tap], or transposed [in][out][tap]. */
  readonly weight: Float64Array;
  readonly outChannels: number;
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: number;
  readonly transposed: boolean;
}

export interface LinearGradients {
  readonly y: Values;
  readonly dx: Values;
  readonly dw: Float64Array;
  /** Per output channel. */
  readonly db: Float64Array;
}

export function outLength({ kernelSize, stride, padding, transposed }: Omit<LinearMap, 'weight'>, length: number): number {
  return transposed ? (length - 1) * stride - 2 * padding + kernelSize : Math.floor((length + 2 * padding - kernelSize) / stride) + 1;
}

/** y = w ∗ x without bias, and its gradients for dy: every product of the sum is visited once and adds to all four. */
export function linearGradients(p: LinearMap, x: Values, dy: Values): LinearGradients {
  const { weight, outChannels, kernelSize, stride, padding, transposed } = p;
  const y = zeros(x.batch, outChannels, outLength(p, x.length));
  const dx = zeros(x.batch, x.channels, x.length);
  const dw = new Float64Array(weight.length);
  const [still, moved] = transposed ? [x.length, y.length] : [y.length, x.length];
  for (let b = 0; b < x.batch; b++) {
    for (let u = 0; u < still; u++) {
      for (let tap = 0; tap < kernelSize; tap++) {
        const place = u * stride + tap - padding;
        if (place < 0 || place >= moved) continue;
        const [q, t] = transposed ? [u, place] : [place, u];
        for (let i = 0; i < x.channels; i++) {
          for (let o = 0; o < outChannels; o++) {
            const w = (transposed ? i * outChannels + o : o * x.channels + i) * kernelSize + tap;
            const into = (b * x.channels + i) * x.length + q;
            const out = (b * outChannels + o) * y.length + t;
            y.data[out]! += weight[w]! * x.data[into]!;
            dx.data[into]! += weight[w]! * dy.data[out]!;
            dw[w]! += x.data[into]! * dy.data[out]!;
          }
        }
      }
    }
  }
  const db = new Float64Array(outChannels);
  valuesOf(dy.batch, dy.channels, dy.length, (b, c, t) => (db[c]! += valueAt(dy, b, c, t)));
  return { y, dx, dw, db };
}

export interface NormInputs {
  readonly x: Values;
  readonly gamma: Float64Array;
  readonly beta: Float64Array;
  readonly groups: number;
  /** [b][scales | biases] or [b][biases], at one place or at each; undefined: no FiLM. */
  readonly film?: { readonly hasScale: boolean; readonly values: Values } | undefined;
  readonly residual?: Values | undefined;
}

export interface NormGradients {
  readonly y: Values;
  readonly dx: Values;
  readonly dgamma: Float64Array;
  readonly dbeta: Float64Array;
  /** Σ_{b,t} dx by channel. */
  readonly sums: Float64Array;
  readonly dfilm: Values | undefined;
  /** Normalised input, for invariants. */
  readonly normalized: Values;
}

/** y = film(mish(group_norm(x))) + residual, and its gradients for dy, after the formulas of torch.nn.functional. */
export function normGradients({ x, gamma, beta, groups, film, residual }: NormInputs, dy: Values): NormGradients {
  const { batch, channels, length } = x;
  const size = channels / groups;
  const elements = size * length;
  const group = (c: number): number => Math.floor(c / size);
  const sumBy = (values: (b: number, c: number, t: number) => number): Float64Array => {
    const sums = new Float64Array(batch * groups);
    valuesOf(batch, channels, length, (b, c, t) => (sums[b * groups + group(c)]! += values(b, c, t)));
    return sums;
  };
  const mean = sumBy((b, c, t) => valueAt(x, b, c, t)).map((sum) => sum / elements);
  const at = (of: Float64Array, b: number, c: number): number => of[b * groups + group(c)] as number;
  const variance = sumBy((b, c, t) => (valueAt(x, b, c, t) - at(mean, b, c)) ** 2).map((sum) => sum / elements);
  const r = variance.map((value) => 1 / Math.sqrt(value + 1e-5));
  const normalized = valuesOf(batch, channels, length, (b, c, t) => (valueAt(x, b, c, t) - at(mean, b, c)) * at(r, b, c));
  const z = valuesOf(batch, channels, length, (b, c, t) => valueAt(normalized, b, c, t) * gamma[c]! + beta[c]!);
  const place = (t: number): number => (film?.values.length === 1 ? 0 : t);
  const scale = (b: number, c: number, t: number): number => (film?.hasScale ? valueAt(film.values, b, c, place(t)) : 1);
  const shift = (b: number, c: number, t: number): number =>
    film ? valueAt(film.values, b, film.hasScale ? channels + c : c, place(t)) : 0;
  const y = valuesOf(
    batch,
    channels,
    length,
    (b, c, t) => mish(valueAt(z, b, c, t)) * scale(b, c, t) + shift(b, c, t) + (residual ? valueAt(residual, b, c, t) : 0),
  );
  const dz = valuesOf(batch, channels, length, (b, c, t) => valueAt(dy, b, c, t) * scale(b, c, t) * mishDerivative(valueAt(z, b, c, t)));
  const q = valuesOf(batch, channels, length, (b, c, t) => valueAt(dz, b, c, t) * gamma[c]!);
  const meanQ = sumBy((b, c, t) => valueAt(q, b, c, t)).map((sum) => sum / elements);
  const meanQx = sumBy((b, c, t) => valueAt(q, b, c, t) * valueAt(normalized, b, c, t)).map((sum) => sum / elements);
  const dx = valuesOf(
    batch,
    channels,
    length,
    (b, c, t) => at(r, b, c) * (valueAt(q, b, c, t) - at(meanQ, b, c) - valueAt(normalized, b, c, t) * at(meanQx, b, c)),
  );
  const [dgamma, dbeta, sums] = [0, 1, 2].map(() => new Float64Array(channels)) as [Float64Array, Float64Array, Float64Array];
  const dfilm = film ? zeros(batch, film.values.channels, film.values.length) : undefined;
  valuesOf(batch, channels, length, (b, c, t) => {
    dgamma[c]! += valueAt(dz, b, c, t) * valueAt(normalized, b, c, t);
    dbeta[c]! += valueAt(dz, b, c, t);
    sums[c]! += valueAt(dx, b, c, t);
    if (film && dfilm) {
      const index = (value: number): number => (b * dfilm.channels + value) * dfilm.length + place(t);
      if (film.hasScale) dfilm.data[index(c)]! += valueAt(dy, b, c, t) * mish(valueAt(z, b, c, t));
      dfilm.data[index((film.hasScale ? channels : 0) + c)]! += valueAt(dy, b, c, t);
    }
    return 0;
  });
  return { y, dx, dgamma, dbeta, sums, dfilm, normalized };
}

/** d Mish / dx = τ + x σ (1 − τ²), τ = tanh(ln(1 + eˣ)), with ln(1 + eˣ) where it keeps its digits. */
export function mishDerivative(x: number): number {
  const tau = Math.tanh(Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))));
  const sigma = 1 / (1 + Math.exp(-x));
  return tau + x * sigma * (1 - tau * tau);
}

/** One element through clipping, Adam or AdamW and the moving average. */
export function adamReference(
  state: { p: number; m: number; v: number; ema: number },
  gradient: number,
  s: {
    readonly optimizer: 'adam' | 'adamw';
    readonly learningRate: number;
    readonly beta1: number;
    readonly beta2: number;
    readonly epsilon: number;
    readonly weightDecay: number;
    readonly stepNumber: number;
    readonly emaDecay: number;
  },
): { p: number; m: number; v: number; ema: number } {
  const g = s.optimizer === 'adam' ? gradient + s.weightDecay * state.p : gradient;
  let p = s.optimizer === 'adamw' ? state.p - s.learningRate * s.weightDecay * state.p : state.p;
  const m = s.beta1 * state.m + (1 - s.beta1) * g;
  const v = s.beta2 * state.v + (1 - s.beta2) * g * g;
  const step = s.learningRate / (1 - s.beta1 ** s.stepNumber);
  p -= (step * m) / (Math.sqrt(v) / Math.sqrt(1 - s.beta2 ** s.stepNumber) + s.epsilon);
  return { p, m, v, ema: state.ema - (1 - s.emaDecay) * (state.ema - p) };
}
