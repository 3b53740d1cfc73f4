import { type Values, valueAt, valuesOf, zeros } from './values.js';

/** Gradients of what image encoders are made of, in float64. Maps are values of height · width places. */

export interface MapShape {
  readonly height: number;
  readonly width: number;
}

export interface SquareConvolution {
  readonly x: Values;
  readonly side: MapShape;
  /** [out][in][row][column]. */
  readonly weight: Float32Array;
  readonly outChannels: number;
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: number;
}

export function convolvedSide({ side, kernelSize, stride, padding }: SquareConvolution): MapShape {
  const out = (size: number): number => Math.floor((size + 2 * padding - kernelSize) / stride) + 1;
  return { height: out(side.height), width: out(side.width) };
}

/** Visits every product of a convolution: indices of output, input and weight. */
function forEachProduct(p: SquareConvolution, visit: (output: number, input: number, weight: number) => void): void {
  const { x, side, outChannels, kernelSize, stride, padding } = p;
  const out = convolvedSide(p);
  for (let b = 0; b < x.batch; b++) {
    for (let o = 0; o < outChannels; o++) {
      for (let i = 0; i < x.channels; i++) {
        for (let ky = 0; ky < kernelSize; ky++) {
          for (let kx = 0; kx < kernelSize; kx++) {
            const weight = ((o * x.channels + i) * kernelSize + ky) * kernelSize + kx;
            for (let r = 0; r < out.height; r++) {
              for (let c = 0; c < out.width; c++) {
                const [row, column] = [r * stride + ky - padding, c * stride + kx - padding];
                if (row < 0 || row >= side.height || column < 0 || column >= side.width) continue;
                const output = ((b * outChannels + o) * out.height + r) * out.width + c;
                visit(output, ((b * x.channels + i) * side.height + row) * side.width + column, weight);
              }
            }
          }
        }
      }
    }
  }
}

export function squareConvolution(p: SquareConvolution): Values {
  const out = convolvedSide(p);
  const y = zeros(p.x.batch, p.outChannels, out.height * out.width);
  forEachProduct(p, (o, i, w) => (y.data[o] = (y.data[o] as number) + (p.weight[w] as number) * (p.x.data[i] as number)));
  return y;
}

export function squareConvolutionGradient(p: SquareConvolution, dy: Values): { readonly dx: Values; readonly dWeight: Float64Array } {
  const dx = zeros(p.x.batch, p.x.channels, p.x.length);
  const dWeight = new Float64Array(p.weight.length);
  forEachProduct(p, (o, i, w) => {
    const gradient = dy.data[o] as number;
    dx.data[i] = (dx.data[i] as number) + (p.weight[w] as number) * gradient;
    dWeight[w] = (dWeight[w] as number) + (p.x.data[i] as number) * gradient;
  });
  return { dx, dWeight };
}

export interface MapNormReference {
  readonly x: Values;
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  readonly groupChannels: number;
  readonly residual?: Values | undefined;
  readonly relu: boolean;
}

/** relu(group_norm(x) + residual), and for a gradient dy of it those of x, residual, scale and shift. */
export function mapNormGradient(
  { x, gamma, beta, groupChannels, residual, relu }: MapNormReference,
  dy: Values,
): { readonly y: Values; readonly dx: Values; readonly dz: Values; readonly dGamma: Float64Array; readonly dBeta: Float64Array } {
  const { batch, channels, length } = x;
  const [y, dx, dz] = [zeros(batch, channels, length), zeros(batch, channels, length), zeros(batch, channels, length)];
  const [dGamma, dBeta] = [new Float64Array(channels), new Float64Array(channels)];
  const count = groupChannels * length;
  for (let b = 0; b < batch; b++) {
    for (let first = 0; first < channels; first += groupChannels) {
      const at = Array.from({ length: count }, (_, e) => (b * channels + first) * length + e);
      const channelOf = (e: number): number => first + Math.floor(e / length);
      const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / count;
      const values = at.map((i) => x.data[i] as number);
      const center = mean(values);
      const rho = 1 / Math.sqrt(mean(values.map((value) => (value - center) ** 2)) + 1e-5);
      const normalized = values.map((value) => (value - center) * rho);
      const q = at.map((i, e) => {
        const c = channelOf(e);
        const z = (normalized[e] as number) * (gamma[c] as number) + (beta[c] as number) + (residual ? (residual.data[i] as number) : 0);
        y.data[i] = relu ? Math.max(z, 0) : z;
        const gradient = relu && z <= 0 ? 0 : (dy.data[i] as number);
        dz.data[i] = gradient;
        dGamma[c] = (dGamma[c] as number) + gradient * (normalized[e] as number);
        dBeta[c] = (dBeta[c] as number) + gradient;
        return gradient * (gamma[c] as number);
      });
      const [meanQ, meanQx] = [mean(q), mean(q.map((value, e) => value * (normalized[e] as number)))];
      at.forEach((i, e) => (dx.data[i] = rho * ((q[e] as number) - meanQ - (normalized[e] as number) * meanQx)));
    }
  }
  return { y, dx, dz, dGamma, dBeta };
}

/** Max pool 3×3, stride 2, padding 1; dy goes to the first maximum of its window in row-major order. */
export function maxPoolGradient(
  x: Values,
  { height, width }: MapShape,
  dy: (b: number, c: number, place: number) => number,
): { readonly y: Values; readonly dx: Values } {
  const [outHeight, outWidth] = [Math.floor((height - 1) / 2) + 1, Math.floor((width - 1) / 2) + 1];
  const dx = zeros(x.batch, x.channels, x.length);
  const y = valuesOf(x.batch, x.channels, outHeight * outWidth, (b, c, place) => {
    let [most, found] = [-Infinity, -1];
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) {
        const [row, column] = [2 * Math.floor(place / outWidth) + i - 1, 2 * (place % outWidth) + j - 1];
        if (row < 0 || row >= height || column < 0 || column >= width) continue;
        const value = valueAt(x, b, c, row * width + column);
        if (value > most) [most, found] = [value, row * width + column];
      }
    }
    const at = (b * x.channels + c) * x.length + found;
    dx.data[at] = (dx.data[at] as number) + dy(b, c, place);
    return most;
  });
  return { y, dx };
}

/** Keypoints [b][2k + d][0] of maps, and the gradient of the maps. `grid`: [place][x, y]. */
export function keypointsGradient(x: Values, grid: Float32Array, dy: Values): { readonly y: Values; readonly dx: Values } {
  const y = zeros(x.batch, 2 * x.channels, 1);
  const dx = zeros(x.batch, x.channels, x.length);
  for (let b = 0; b < x.batch; b++) {
    for (let k = 0; k < x.channels; k++) {
      const scores = Array.from({ length: x.length }, (_, q) => valueAt(x, b, k, q));
      const highest = Math.max(...scores);
      const exponentials = scores.map((score) => Math.exp(score - highest));
      const total = exponentials.reduce((sum, value) => sum + value, 0);
      const p = exponentials.map((value) => value / total);
      const dp = p.map(
        (_, q) => valueAt(dy, b, 2 * k, 0) * (grid[2 * q] as number) + valueAt(dy, b, 2 * k + 1, 0) * (grid[2 * q + 1] as number),
      );
      const mean = p.reduce((sum, value, q) => sum + value * (dp[q] as number), 0);
      p.forEach((value, q) => {
        dx.data[(b * x.channels + k) * x.length + q] = value * ((dp[q] as number) - mean);
        for (const d of [0, 1])
          y.data[b * 2 * x.channels + 2 * k + d] = (y.data[b * 2 * x.channels + 2 * k + d] as number) + value * (grid[2 * q + d] as number);
      });
    }
  }
  return { y, dx };
}
