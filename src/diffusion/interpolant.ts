import { OptionError } from '../foundation/errors.js';
import { checkChoice, checkInteger, checkNumber, checkObject } from '../foundation/options.js';
import { INTERPOLANTS, type Interpolant, SDE_FORMS, type SdeForm } from '../spec/method-networks.js';
import { makeSchedule, type Schedule, type SolverStep } from './solver-step.js';

/** √2 as BRIDGER's release has it. */
// biome-ignore lint/suspicious/noApproximativeNumericConstant: networks were trained and are sampled with these five digits.
const ROOT_TWO = 1.4142;

/** Keeps the inverse of γ, and its derivative, finite at both ends. */
const NEAR_ZERO = 1e-4;

/** Weights of the interpolant I(t) = fromPrior · x₀ + fromTarget · x₁, and its derivative ∂I = slope · (x₁ − x₀). */
export interface InterpolantWeights {
  readonly fromPrior: number;
  readonly fromTarget: number;
  readonly slope: number;
}

/** Source: BRIDGER's release, `stochastic_interpolants.py`. */
export function interpolantWeights(interpolant: Interpolant, t: number): InterpolantWeights {
  const left = 1 - t;
  switch (interpolant) {
    case 'linear':
      return { fromPrior: left, fromTarget: t, slope: 1 };
    case 'power3':
      return { fromPrior: left ** 3, fromTarget: 1 - left ** 3, slope: 3 * left ** 2 };
    case 'power4':
      return { fromPrior: left ** 4, fromTarget: 1 - left ** 4, slope: 4 * left ** 3 };
    case 'reverse_power3':
      return { fromPrior: 1 - t ** 3, fromTarget: t ** 3, slope: 3 * t ** 2 };
    default:
      throw new OptionError(`interpolant must be one of ${INTERPOLANTS.join(', ')}, found ${String(interpolant satisfies never)}.`);
  }
}

/** γ(t) = √(2 t (1 − t)), the scale of the latent noise z in x_t = I(t) + γ z. */
export function gammaAt(t: number): number {
  return ROOT_TWO * Math.sqrt(t * (1 - t));
}

/** Its derivative (1 − 2t) / √(2 (t − t²) + 10⁻⁴). */
export function gammaSlopeAt(t: number): number {
  return (1 - 2 * t) / Math.sqrt(2 * (t - t * t) + NEAR_ZERO);
}

/** t within [timeMin, 1 − timeMin], where networks were trained. */
export function boundedTime(t: number, timeMin: number): number {
  return Math.min(Math.max(t, timeMin), 1 - timeMin);
}

export interface BridgeOptions {
  /** n: steps of the SDE. */
  readonly steps: number;
  readonly form: SdeForm;
  /** d: scale of the noise, in training and in sampling. */
  readonly noiseScale: number;
  /** Times are kept in [timeMin, 1 − timeMin]. */
  readonly timeMin: number;
  /** Largest 1 / γ. */
  readonly gammaInverseMax: number;
}

/**
 * A step of the SDE as a linear update of the chunk x; `first` is the velocity v (form `vs`) or the drift b (`bs`), ŝ the score network's
 * output, z standard normal noise: x' = x + fromFirst · first(x, time) + fromScore · ŝ(x, time) + fromNoise · z.
 */
export interface BridgeStep {
  /** What both networks are told; f32, as PyTorch rounds it. */
  readonly time: number;
  readonly fromFirst: number;
  readonly fromScore: number;
  readonly fromNoise: number;
}

/** More steps than anybody has use for: each is two network evaluations. */
export const MOST_BRIDGE_STEPS = 64;

/**
 * The sampler of BRIDGER (Chen et al. 2024), as its release has it: step k of 1 … n at the end of its interval, t = k/n,
 *
 *     ŝ = s(x, t) · min(1 / (√2 √(t (1 − t) + 10⁻⁴)), gammaInverseMax)      e(t) = 1 − t
 *     vs: drift = v(x, t) − γ' γ ŝ · e(t)                                    bs: drift = b(x, t)
 *     x ← x + (drift + e(t) ŝ) / n + (d / n) √(2 e(t)) z
 *
 * The noise is divided by n, not by √n, the first term of ŝ carries e(t), and √2 is 1.4142: networks of the release are sampled so.
 * @throws OptionError.
 */
export function bridgeSteps(options: BridgeOptions): BridgeStep[] {
  const where = 'bridgeSteps';
  checkObject(where, 'options', options);
  const { steps, form, noiseScale, timeMin, gammaInverseMax } = options;
  checkInteger(where, 'steps', steps, 1, MOST_BRIDGE_STEPS);
  checkChoice(where, 'form', form, SDE_FORMS);
  checkNumber(where, 'noiseScale', noiseScale, 'a finite number of at least 0', (scale) => scale >= 0 && scale < Infinity);
  checkNumber(where, 'timeMin', timeMin, 'a number from 0 to below 0.5', (least) => least >= 0 && least < 0.5);
  checkNumber(where, 'gammaInverseMax', gammaInverseMax, 'a finite number above 0', (most) => most > 0 && most < Infinity);
  return Array.from({ length: steps }, (_, k): BridgeStep => {
    const t = boundedTime((k + 1) / steps, timeMin);
    const inverse = Math.min(1 / (ROOT_TWO * Math.sqrt(t * (1 - t) + NEAR_ZERO)), gammaInverseMax);
    const e = 1 - t;
    const ofDrift = form === 'vs' ? -gammaSlopeAt(t) * gammaAt(t) * e : 0;
    return {
      time: Math.fround(t),
      fromFirst: 1 / steps,
      fromScore: (inverse * (ofDrift + e)) / steps,
      fromNoise: (noiseScale / steps) * Math.sqrt(2 * e),
    };
  });
}

/** Coefficients that leave x0 and noise out. */
const NOTHING = { clip: null, epsFromSample: 0, epsFromOutput: 0, fromEps: 0, fromOlderX0: 0 } as const;

/**
 * The same as a schedule of two evaluations for each step, both at the same sample: the first keeps what its network says as x0 and leaves
 * the sample as it is, the second makes the step of both. Noise is drawn for the second ones.
 */
export function bridgeSchedule(options: BridgeOptions): Schedule {
  const first = options.form === 'vs' ? 'v_net' : 'b_net';
  return makeSchedule(
    'method',
    bridgeSteps(options).flatMap(({ time, fromFirst, fromScore, fromNoise }): SolverStep[] => {
      const common = { ...NOTHING, timestep: time, levels: [time], x0FromSample: 0, x0FromOutput: 1, fromSample: 1 };
      return [
        { ...common, network: first, fromX0: 0, fromPreviousX0: 0, fromNoise: 0 },
        { ...common, network: 's_net', fromX0: fromScore, fromPreviousX0: fromFirst, fromNoise },
      ];
    }),
  );
}
