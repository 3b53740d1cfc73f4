import { type ConsistencyLevels, inputScale } from './consistency.js';

/** Levels of the Consistency Policy release (ctmp_square.yaml). */
export const CONSISTENCY_LEVELS: ConsistencyLevels = { sigmaMin: 0.02, sigmaMax: 80, sigmaData: 0.5, rho: 7, bins: 80 };

/** D(x, T) = skip · x + out · F(in · x): what a network F of unit variance makes of a noisy sample ("boundary" scaling). */
export interface Scalings {
  readonly skip: number;
  readonly out: number;
  readonly in: number;
}

export function scalingsOf(levels: ConsistencyLevels, level: number): Scalings {
  const { sigmaData, sigmaMin } = levels;
  const above = level - sigmaMin;
  const scale = inputScale(levels, level);
  return { skip: sigmaData ** 2 / (above ** 2 + sigmaData ** 2), out: above * sigmaData * scale, in: scale };
}

/** G(x, T, S) = keep · x + network · F(in · x, T, S): the jump from level T to level S. */
export interface Jump {
  readonly keep: number;
  readonly network: number;
  readonly in: number;
}

export function jumpOf(levels: ConsistencyLevels, from: number, to: number): Jump {
  const { skip, out, in: scale } = scalingsOf(levels, from);
  const share = to / from;
  return { keep: share + (1 - share) * skip, network: (1 - share) * out, in: scale };
}

/**
 * One step of Heun's method from level T to level U over a denoiser D, as sums of what is there: the sample after Euler's half, y = euler · (x,
 * F(x)), and the result, heun · (x, F(x), F(y)). Where U = T nothing moves.
 */
export interface HeunStep {
  readonly euler: readonly [x: number, first: number];
  readonly heun: readonly [x: number, first: number, second: number];
}

export function heunStep(levels: ConsistencyLevels, from: number, to: number): HeunStep {
  const change = to - from;
  if (change === 0) return { euler: [1, 0], heun: [1, 0, 0] };
  // d = (x − D(x, T)) / T, of which D is linear in x and F.
  const slope = (level: number): { readonly x: number; readonly network: number } => {
    const { skip, out } = scalingsOf(levels, level);
    return { x: (1 - skip) / level, network: -out / level };
  };
  const [first, second] = [slope(from), slope(to)];
  const euler = [1 + change * first.x, change * first.network] as const;
  const half = change / 2;
  return {
    euler,
    heun: [1 + half * (first.x + second.x * euler[0]), half * (first.network + second.x * euler[1]), half * second.network],
  };
}

/** Weight of a denoising loss at level T (Karras): (T² + σ_d²) / (T σ_d)². */
export function karrasWeight({ sigmaData }: ConsistencyLevels, level: number): number {
  return (level ** 2 + sigmaData ** 2) / (level * sigmaData) ** 2;
}

/** δ of the pseudo-Huber loss of chunks. */
export function huberDelta(horizon: number, actionDim: number): number {
  return 0.00054 * Math.sqrt(horizon * actionDim);
}
