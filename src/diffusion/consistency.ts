import type { ConsistencyNetwork } from '../spec/method-networks.js';
import { makeSchedule, type Schedule, type SolverStep } from './solver-step.js';

/** What levels and scalings of a consistency model follow from. */
export type ConsistencyLevels = Pick<ConsistencyNetwork, 'sigmaMin' | 'sigmaMax' | 'sigmaData' | 'rho' | 'bins'>;

/** The factor on the logarithm of a level that the release embeds. */
const LEVEL_FACTOR = 250;

/**
 * T(b) = (σ_max^{1/ρ} + b / (bins − 1) · (σ_min^{1/ρ} − σ_max^{1/ρ}))^ρ, kept in [σ_min, σ_max] (Karras et al. 2022, eq. 5). Rounded to f32
 * where the release rounds it: these are the levels that students were trained at, up to 2e-6 away from those of float64.
 */
export function levelOfBin({ sigmaMin, sigmaMax, rho, bins }: ConsistencyLevels, bin: number): number {
  const round = Math.fround;
  const first = sigmaMax ** (1 / rho);
  const last = sigmaMin ** (1 / rho);
  const level = round(round(round(first) + round(round(bin / (bins - 1)) * round(last - first))) ** rho);
  return Math.min(sigmaMax, Math.max(sigmaMin, level));
}

/** What the network embeds of a level: 250 ln T. */
export function embeddedLevel(level: number): number {
  return LEVEL_FACTOR * Math.log(level);
}

/** Factor c_in = 1 / √(T² + σ_d²) on what the network reads at level T. */
export function inputScale({ sigmaData }: ConsistencyLevels, level: number): number {
  return 1 / Math.hypot(level, sigmaData);
}

/**
 * Decisions that pass through `levels`, each denoised to σ_min by one evaluation of G and noised to the next level:
 *
 *     g = c_skip · x + c_out · F(c_in · x, 250 ln T, 250 ln S),  G = S/T · x + (1 − S/T) · g, clamped;  x ← G + T′ · z
 *     c_skip = σ_d² / ((T − σ_min)² + σ_d²),  c_out = (T − σ_min) · σ_d / √(T² + σ_d²)
 *
 * with S = σ_min ("boundary" scaling of the Consistency Policy release). The samples of the schedule are c_in · x, what the network reads:
 * it starts from noise times `inputScale` of the first level, and a step leaves the sample of the next one; the last leaves G.
 */
export function consistencySchedule(config: ConsistencyLevels, levels: readonly number[], clip: number | null): Schedule {
  const { sigmaMin, sigmaData } = config;
  const steps = levels.map((level, i): SolverStep => {
    const next = levels[i + 1];
    const above = level - sigmaMin;
    const skip = sigmaData ** 2 / (above ** 2 + sigmaData ** 2);
    const out = above * sigmaData * inputScale(config, level);
    const kept = sigmaMin / level;
    const scale = next === undefined ? 1 : inputScale(config, next);
    return {
      timestep: level,
      levels: [embeddedLevel(level), embeddedLevel(sigmaMin)],
      x0FromSample: (kept + (1 - kept) * skip) / inputScale(config, level),
      x0FromOutput: (1 - kept) * out,
      clip,
      epsFromSample: 0,
      epsFromOutput: 0,
      fromX0: scale,
      fromEps: 0,
      fromSample: 0,
      fromPreviousX0: 0,
      fromNoise: next === undefined ? 0 : scale * next,
    };
  });
  return makeSchedule('method', steps);
}
