import type { Activation } from '../../kernels/lib/activations.wgsl.js';
import { type Values, valueAt, valuesOf } from './values.js';

/** Straightforward definitions in float64, after PyTorch's documentation: what the kernels are compared with. */

export function mish(x: number): number {
  return x * Math.tanh(x > 30 ? x : Math.log1p(Math.exp(x)));
}

/** Exact GELU, x · Φ(x). */
export function gelu(x: number): number {
  return 0.5 * x * erfc(-x / Math.SQRT2);
}

/** Complementary error function: Maclaurin series near 0, continued fraction (Lentz) in the tails. */
export function erfc(z: number): number {
  if (z < 0) return 2 - erfc(-z);
  if (z < 2) {
    let term = z;
    let sum = z;
    for (let n = 1; n < 60; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 120; n > 0; n--) fraction = n / 2 / (z + fraction);
  return Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction));
}

export function activate(activation: Activation, x: number): number {
  switch (activation) {
    case 'none':
      return x;
    case 'mish':
      return mish(x);
    case 'gelu':
      return gelu(x);
    case 'relu':
      return Math.max(x, 0);
    case 'elu':
      return x > 0 ? x : Math.expm1(x);
    default:
      return activation satisfies never;
  }
}

export interface Convolution {
  readonly x: Values;
  /** [out][in][tap]; transposed [in][out][tap]. */
  readonly weight: Float32Array;
  readonly bias?: Float32Array | undefined;
  readonly outChannels: number;
  readonly kernelSize: number;
  readonly stride?: number | undefined;
  readonly padding?: number | undefined;
  readonly transposed?: boolean | undefined;
  readonly inActivation?: Activation | undefined;
  readonly outActivation?: Activation | undefined;
  readonly residual?: Values | undefined;
}

/** torch.nn.functional.conv1d and conv_transpose1d, with the pointwise functions around them. */
export function convolution(p: Convolution): Values {
  const { x, weight, outChannels, kernelSize, stride = 1, padding = 0, transposed = false } = p;
  const input = valuesOf(x.batch, x.channels, x.length, (b, i, t) => activate(p.inActivation ?? 'none', valueAt(x, b, i, t)));
  const outLength = transposed
    ? (x.length - 1) * stride - 2 * padding + kernelSize
    : Math.floor((x.length + 2 * padding - kernelSize) / stride) + 1;
  const sums = valuesOf(x.batch, outChannels, outLength, (_b, o) => p.bias?.[o] ?? 0);
  for (let b = 0; b < x.batch; b++) {
    for (let o = 0; o < outChannels; o++) {
      for (let i = 0; i < x.channels; i++) {
        for (let tap = 0; tap < kernelSize; tap++) {
          const w = weight[(transposed ? i * outChannels + o : o * x.channels + i) * kernelSize + tap] as number;
          // A convolution gathers: out[t] from in[t·stride + tap − padding]; its transpose scatters the other way.
          for (let near = 0; near < (transposed ? x.length : outLength); near++) {
            const far = near * stride + tap - padding;
            if (far < 0 || far >= (transposed ? outLength : x.length)) continue;
            const [from, to] = transposed ? [near, far] : [far, near];
            const target = (b * outChannels + o) * outLength + to;
            sums.data[target] = (sums.data[target] as number) + w * valueAt(input, b, i, from);
          }
        }
      }
    }
  }
  return valuesOf(
    x.batch,
    outChannels,
    outLength,
    (b, o, t) => activate(p.outActivation ?? 'none', valueAt(sums, b, o, t)) + (p.residual ? valueAt(p.residual, b, o, t) : 0),
  );
}

/** (x − mean) / √(var + 1e-5) · gamma + beta; mean and biased variance over `members` values that share a `key`. */
function normalizeBy(x: Values, gamma: Float32Array, beta: Float32Array, key: (b: number, c: number, t: number) => string): Values {
  const groups = new Map<string, number[]>();
  valuesOf(x.batch, x.channels, x.length, (b, c, t) => {
    const name = key(b, c, t);
    const members = groups.get(name) ?? [];
    members.push(valueAt(x, b, c, t));
    groups.set(name, members);
    return 0;
  });
  const moments = new Map(
    [...groups].map(([name, members]) => {
      const mean = members.reduce((sum, value) => sum + value, 0) / members.length;
      const variance = members.reduce((sum, value) => sum + (value - mean) ** 2, 0) / members.length;
      return [name, { mean, deviation: Math.sqrt(variance + 1e-5) }];
    }),
  );
  return valuesOf(x.batch, x.channels, x.length, (b, c, t) => {
    const { mean, deviation } = moments.get(key(b, c, t)) as { mean: number; deviation: number };
    return ((valueAt(x, b, c, t) - mean) / deviation) * (gamma[c] as number) + (beta[c] as number);
  });
}

/** torch.nn.functional.layer_norm over the channels of every token. */
export function layerNorm(x: Values, gamma: Float32Array, beta: Float32Array): Values {
  return normalizeBy(x, gamma, beta, (b, _c, t) => `${b} ${t}`);
}

export interface GroupNorm {
  readonly x: Values;
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  readonly groups: number;
}

/** mish(group_norm(x)). */
export function groupNormMish({ x, gamma, beta, groups }: GroupNorm): Values {
  const size = x.channels / groups;
  const normalized = normalizeBy(x, gamma, beta, (b, c) => `${b} ${Math.floor(c / size)}`);
  return { ...normalized, data: normalized.data.map(mish) };
}

/** Scaled dot-product attention, head by head; channel h·headDim + d belongs to head h. */
export function attention(q: Values, k: Values, v: Values, heads: number): Values {
  const headDim = q.channels / heads;
  const weights = (b: number, head: number, query: number): number[] => {
    const scores = Array.from({ length: k.length }, (_, key) => {
      let sum = 0;
      for (let d = head * headDim; d < (head + 1) * headDim; d++) sum += valueAt(q, b, d, query) * valueAt(k, b, d, key);
      return sum / Math.sqrt(headDim);
    });
    const highest = Math.max(...scores);
    const exponentials = scores.map((score) => Math.exp(score - highest));
    const total = exponentials.reduce((sum, value) => sum + value, 0);
    return exponentials.map((value) => value / total);
  };
  return valuesOf(q.batch, q.channels, q.length, (b, c, t) =>
    weights(b, Math.floor(c / headDim), t).reduce((sum, weight, key) => sum + weight * valueAt(v, b, c, key), 0),
  );
}
