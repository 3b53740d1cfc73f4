import type { Fit } from '../spec/fit.js';

/** What an output row (or column) of a resampling takes of the input: rows begin, begin + 1, … with these weights. */
export interface Band {
  readonly begin: number;
  readonly weights: readonly number[];
}

/**
 * An antialiased resize from `from` to `to`, outputs first, first + 1, …, count of them; weights of each add up to 1 (torchvision's
 * `Resize` on floats).
 */
export function resizeBands(from: number, to: number, first = 0, count = to): Band[] {
  const scale = from / to;
  const radius = Math.max(scale, 1);
  return Array.from({ length: count }, (_, k) => {
    const center = (first + k + 0.5) * scale;
    const begin = Math.max(Math.floor(center - radius + 0.5), 0);
    const end = Math.min(Math.floor(center + radius + 0.5), from);
    const weights = Array.from({ length: end - begin }, (_, j) => Math.max(0, 1 - Math.abs(begin + j - center + 0.5) / radius));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { begin, weights: weights.map((weight) => weight / sum) };
  });
}

/** Copies of outputs first, first + 1, …, count of them. */
export function copyBands(first: number, count: number): Band[] {
  return Array.from({ length: count }, (_, k) => ({ begin: first + k, weights: [1] }));
}

/**
 * A picture brought to other sides, [rows, columns]. Sides in between are rounded to the nearest, offsets down; what is black has no
 * weights.
 */
export function fitBands(
  [height, width]: readonly [number, number],
  [toHeight, toWidth]: readonly [number, number],
  fit: Fit,
): readonly [Band[], Band[]] {
  if (fit === 'stretch') return [resizeBands(height, toHeight), resizeBands(width, toWidth)];
  const scales = [toHeight / height, toWidth / width] as const;
  const scale = fit === 'pad' ? Math.min(...scales) : Math.max(...scales);
  const axis = (from: number, to: number): Band[] => {
    const rounded = Math.max(1, Math.round(from * scale));
    if (fit === 'crop') {
      const size = Math.max(to, rounded);
      return resizeBands(from, size, Math.floor((size - to) / 2), to);
    }
    const size = Math.min(to, rounded);
    const before = Math.floor((to - size) / 2);
    const black = (count: number): Band[] => Array.from({ length: count }, () => ({ begin: 0, weights: [] }));
    return [...black(before), ...resizeBands(from, size), ...black(to - size - before)];
  };
  return [axis(height, toHeight), axis(width, toWidth)];
}

/** One resampling after another: `outer` of what `inner` makes. */
export function composeBands(outer: readonly Band[], inner: readonly Band[]): Band[] {
  return outer.map(({ begin, weights }) => {
    const parts = weights.flatMap((weight, i) => {
      const part = inner[begin + i] as Band;
      return part.weights.length === 0 || weight === 0 ? [] : [{ weight, part }];
    });
    if (parts.length === 0) return { begin: 0, weights: [] };
    const first = Math.min(...parts.map(({ part }) => part.begin));
    const end = Math.max(...parts.map(({ part }) => part.begin + part.weights.length));
    const sums = new Array<number>(end - first).fill(0);
    for (const { weight, part } of parts) {
      part.weights.forEach((value, j) => (sums[part.begin + j - first] = (sums[part.begin + j - first] as number) + weight * value));
    }
    return { begin: first, weights: sums };
  });
}

/** Bands as a kernel reads them: f32 [band][begin, weights…], all as long as the longest. */
export function bandTable(bands: readonly Band[]): { readonly taps: number; readonly entries: Float32Array } {
  const taps = bands.reduce((most, { weights }) => Math.max(most, weights.length), 1);
  const entries = new Float32Array(bands.length * (1 + taps));
  bands.forEach(({ begin, weights }, k) => entries.set([begin, ...weights], k * (1 + taps)));
  return { taps, entries };
}
