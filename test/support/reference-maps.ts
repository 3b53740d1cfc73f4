import type { Conv2dLayer } from '../../kernels/conv/conv2d-shape.js';
import { asMap, type MapValues, mapOf } from './feature-maps.js';
import { type Values, valueAt, valuesOf } from './values.js';

/** Straightforward definitions over feature maps in float64, after PyTorch's documentation. */

function side(size: number, { kernelSize, stride, padding }: Pick<Conv2dLayer, 'kernelSize' | 'stride' | 'padding'>): number {
  return Math.floor((size + 2 * padding - kernelSize) / stride) + 1;
}

/** torch.nn.functional.conv2d; weight [out][in][row][column]. */
export function conv2d(x: MapValues, layer: Conv2dLayer, weight: ArrayLike<number>, bias?: ArrayLike<number>): MapValues {
  const { inChannels, outChannels, kernelSize: k, stride, padding } = layer;
  const [height, width] = [side(x.height, layer), side(x.width, layer)];
  const data = new Float64Array(x.batch * outChannels * height * width);
  let to = 0;
  for (let b = 0; b < x.batch; b++) {
    for (let o = 0; o < outChannels; o++) {
      for (let row = 0; row < height; row++) {
        for (let column = 0; column < width; column++) {
          let sum = bias?.[o] ?? 0;
          for (let ky = 0; ky < k; ky++) {
            const y = row * stride + ky - padding;
            if (y < 0 || y >= x.height) continue;
            for (let kx = 0; kx < k; kx++) {
              const at = column * stride + kx - padding;
              if (at < 0 || at >= x.width) continue;
              for (let i = 0; i < inChannels; i++) {
                sum +=
                  (weight[((o * inChannels + i) * k + ky) * k + kx] as number) *
                  (x.data[((b * inChannels + i) * x.height + y) * x.width + at] as number);
              }
            }
          }
          data[to++] = sum;
        }
      }
    }
  }
  return { batch: x.batch, channels: outChannels, length: height * width, height, width, data };
}

/** Largest value of windows of 3 with stride 2; what lies outside is −∞. */
export function maxPool(x: MapValues): MapValues {
  const sides = { kernelSize: 3, stride: 2, padding: 1 };
  return mapOf(
    { batch: x.batch, channels: x.channels, height: side(x.height, sides), width: side(x.width, sides) },
    (b, c, row, column) => {
      let largest = -Infinity;
      for (let y = 2 * row - 1; y <= 2 * row + 1; y++) {
        for (let at = 2 * column - 1; at <= 2 * column + 1; at++) {
          if (y >= 0 && at >= 0 && y < x.height && at < x.width) largest = Math.max(largest, valueAt(x, b, c, y * x.width + at));
        }
      }
      return largest;
    },
  );
}

/** torch.nn.functional.group_norm. */
export function groupNorm(x: MapValues, groups: number, gamma: ArrayLike<number>, beta: ArrayLike<number>): MapValues {
  const members = x.channels / groups;
  const moments = valuesOf(x.batch, groups, 2, () => 0);
  for (let b = 0; b < x.batch; b++) {
    for (let g = 0; g < groups; g++) {
      const group = x.data.subarray((b * x.channels + g * members) * x.length, (b * x.channels + (g + 1) * members) * x.length);
      const mean = group.reduce((sum, value) => sum + value, 0) / group.length;
      const variance = group.reduce((sum, value) => sum + (value - mean) ** 2, 0) / group.length;
      moments.data.set([mean, Math.sqrt(variance + 1e-5)], (b * groups + g) * 2);
    }
  }
  const values = valuesOf(x.batch, x.channels, x.length, (b, c, p) => {
    const g = Math.floor(c / members);
    return ((valueAt(x, b, c, p) - valueAt(moments, b, g, 0)) / valueAt(moments, b, g, 1)) * (gamma[c] as number) + (beta[c] as number);
  });
  return asMap(values, x.height, x.width);
}

/** Keypoints of maps as one token of x₀ y₀ x₁ y₁ … per sample; grid [position][x, y]. */
export function spatialSoftmax(x: MapValues, grid: ArrayLike<number>): Values {
  return valuesOf(x.batch, 2 * x.channels, 1, (b, value) => {
    const maps = Array.from({ length: x.length }, (_, p) => valueAt(x, b, value >> 1, p));
    const largest = Math.max(...maps);
    const weights = maps.map((map) => Math.exp(map - largest));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.reduce((sum, weight, p) => sum + weight * (grid[2 * p + (value & 1)] as number), 0) / total;
  });
}
