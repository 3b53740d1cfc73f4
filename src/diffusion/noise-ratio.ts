import { type NoiseLevel, signalAndNoise } from './solver-step.js';
import { checkSteps, roundHalfEven } from './timesteps.js';

/** Noise levels by their noise-to-signal ratio σ = √(1−ā)/√ā. */

/** ā of a level of pure noise, so that its σ is finite (diffusers: the smallest subnormal of half precision). */
const LEAST_ALPHA_BAR = 2 ** -24;

/** Exponent of Karras et al. 2022, eq. 5. */
const RHO = 7;

/** The timestep that stands for a level between two: the nearest one, or the one below, that is, with less noise. */
export type KarrasTimestep = 'nearest' | 'below';

/** σ of a timestep. */
export function sigmaAt(alphasCumprod: Float64Array, timestep: number): number {
  const { signal, noise } = signalAndNoise(alphasCumprod, timestep);
  return signal === 0 ? Math.sqrt((1 - LEAST_ALPHA_BAR) / LEAST_ALPHA_BAR) : noise / signal;
}

export function signalAndNoiseOf(sigma: number): NoiseLevel {
  const signal = 1 / Math.sqrt(1 + sigma * sigma);
  return { signal, noise: sigma * signal };
}

/**
 * K levels from the last timestep's to the first one's, evenly spaced in σ^(1/7), and the timestep of each; timesteps may repeat.
 * Throws OptionError for K > N.
 */
export function karrasLevels(
  alphasCumprod: Float64Array,
  steps: number,
  rounding: KarrasTimestep,
): { timesteps: readonly number[]; sigmas: readonly number[] } {
  checkSteps(steps, alphasCumprod.length);
  const all = Array.from(alphasCumprod, (_, t) => sigmaAt(alphasCumprod, t));
  const [smallest, largest] = [all[0] as number, all.at(-1) as number];
  const [root, lastRoot] = [largest ** (1 / RHO), smallest ** (1 / RHO)];
  const sigmas = Array.from({ length: steps }, (_, i) => (root + (i / (steps - 1)) * (lastRoot - root)) ** RHO);
  // Root and power do not quite undo each other, and a level just below the last one would be told as the timestep below.
  if (steps > 1) sigmas[steps - 1] = smallest;
  sigmas[0] = largest;
  const round = rounding === 'below' ? Math.floor : roundHalfEven;
  return { timesteps: sigmas.map((sigma) => round(timestepOf(all, sigma))), sigmas };
}

/** Where σ lies among those of all timesteps: linear in ln σ between neighbours. */
function timestepOf(all: readonly number[], sigma: number): number {
  const above = all.findIndex((other) => other > sigma);
  if (above === 0) return 0;
  if (above === -1) return all.length - 1;
  const [low, high] = [all[above - 1] as number, all[above] as number];
  return above - 1 + Math.log(sigma / low) / Math.log(high / low);
}
