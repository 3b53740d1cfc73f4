import type { Neighbour } from './neighbours.js';

/** Below this share of the heaviest one a component changes no digit that matters. */
const LEAST_WEIGHT = 1e-9;

/**
 * x̂0 = E[x0 | x, o] of a mixture of Gaussians: chunks c_k with weights exp(w_k) by the observation, each with variance s² in every value,
 * and x = √ā·x0 + √(1−ā)·ε. With v = ā·s² + 1 − ā:
 *
 *     r_k ∝ exp(w_k − |x − √ā·c_k|² / 2v),   x̂0 = Σ r_k (c_k + √ā·s²/v · (x − √ā·c_k))
 *
 * the exact denoiser: what a network would learn of such chunks at best.
 */
export function posteriorMean(neighbours: readonly Neighbour[], x: Float64Array, alphaBar: number, spread: number): Float64Array {
  const signal = Math.sqrt(alphaBar);
  const variance = alphaBar * spread * spread + 1 - alphaBar;
  const shares = sharesOf(neighbours, (chunk) => {
    let sum = 0;
    for (let i = 0; i < x.length; i++) {
      const difference = (x[i] as number) - signal * (chunk[i] as number);
      sum += difference * difference;
    }
    return sum / (2 * variance);
  });
  const mean = weightedMean(neighbours, shares, x.length);
  // Σ r_k = 1: what does not depend on k comes out of the sum.
  const gain = (signal * spread * spread) / variance;
  return mean.map((value, i) => value + gain * ((x[i] as number) - signal * value));
}

/**
 * The mean of the chunks given the observation and what is left of the previous chunk: those count that continue it. What STEP's predictor
 * is trained to return. `previous`: normalised, [horizon][actionDim], executed up to `executed` values after its begin; undefined
 * at the begin of an episode.
 */
export function conditionalMean(
  neighbours: readonly Neighbour[],
  previous: ArrayLike<number> | undefined,
  executed: number,
  bandwidth: number,
): Float64Array {
  const length = neighbours[0]?.chunk.length ?? 0;
  const shares = sharesOf(neighbours, (chunk) => {
    let sum = 0;
    for (let i = 0; previous && i + executed < length; i++) {
      const difference = (previous[i + executed] as number) - (chunk[i] as number);
      sum += difference * difference;
    }
    return sum / (2 * bandwidth * bandwidth);
  });
  return weightedMean(neighbours, shares, length);
}

/** ∝ exp(logWeight − cost), in all 1. The largest exponent is taken out: all would round to 0 far from every chunk. */
function sharesOf(neighbours: readonly Neighbour[], cost: (chunk: Float64Array) => number): number[] {
  const exponents = neighbours.map(({ logWeight, chunk }) => logWeight - cost(chunk));
  const most = exponents.reduce((largest, exponent) => Math.max(largest, exponent), -Infinity);
  const weights = exponents.map((exponent) => {
    const weight = Math.exp(exponent - most);
    return weight < LEAST_WEIGHT ? 0 : weight;
  });
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return weights.map((weight) => weight / sum);
}

function weightedMean(neighbours: readonly Neighbour[], shares: readonly number[], length: number): Float64Array {
  const mean = new Float64Array(length);
  neighbours.forEach(({ chunk }, k) => {
    const share = shares[k] as number;
    if (share === 0) return;
    for (let i = 0; i < length; i++) mean[i] = (mean[i] as number) + share * (chunk[i] as number);
  });
  return mean;
}
