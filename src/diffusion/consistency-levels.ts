/** The noise levels and scalings of Consistency Policy (diffusion.py of its release; Karras et al. 2022, table 1), in float64. */
export interface ConsistencyLevels {
  readonly sigmaMin: number;
  readonly sigmaMax: number;
  readonly sigmaData: number;
  readonly rho: number;
  /** Bins 0 … count: the last two are σ_min. */
  readonly bins: number;
}

export const CONSISTENCY_LEVELS: ConsistencyLevels = { sigmaMin: 0.02, sigmaMax: 80, sigmaData: 0.5, rho: 7, bins: 80 };

/** T of a bin; also of what lies between bins. */
export function levelOfBin({ sigmaMin, sigmaMax, rho, bins }: ConsistencyLevels, bin: number): number {
  const [from, to] = [sigmaMax ** (1 / rho), sigmaMin ** (1 / rho)];
  const level = (from + (bin / (bins - 1)) * (to - from)) ** rho;
  return Math.min(sigmaMax, Math.max(sigmaMin, level));
}

/** D(x, T) = skip · x + out · F(in · x): what a network F of unit variance makes of a noisy sample ("boundary" scaling). */
export interface Scalings {
  readonly skip: number;
  readonly out: number;
  readonly in: number;
}

export function scalingsOf({ sigmaData, sigmaMin }: ConsistencyLevels, level: number): Scalings {
  const moved = level - sigmaMin;
  const root = Math.sqrt(level ** 2 + sigmaData ** 2);
  return {
    skip: sigmaData ** 2 / (moved ** 2 + sigmaData ** 2),
    out: (moved * sigmaData) / root,
    in: 1 / root,
  };
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

/**
 * Sinusoids of 250 ln T: all sines, then all cosines, in float64. The argument comes near 1000, where float32 loses the fifth digit of
 * its sine.
 */
export function levelSinusoids(level: number, dim: number): Float32Array {
  const half = dim / 2;
  const time = 250 * Math.log(level);
  const out = new Float32Array(dim);
  for (let i = 0; i < half; i++) {
    const angle = time * Math.exp((-Math.log(10000) * i) / (half - 1));
    out[i] = Math.sin(angle);
    out[half + i] = Math.cos(angle);
  }
  return out;
}
