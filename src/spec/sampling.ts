/** How decisions are sampled from the denoiser, as far as a checkpoint can say so: plain data, in diffusers' words. */

/** What the network returns: the noise, the clean chunk, or v = √ā·noise − √(1−ā)·chunk (Salimans and Ho 2022). */
export const PREDICTION_TYPES = ['epsilon', 'sample', 'v_prediction'] as const;
export type PredictionType = (typeof PREDICTION_TYPES)[number];

/** How diffusers spreads K timesteps over the N training levels. */
export const TIMESTEP_SPACINGS = ['leading', 'trailing', 'linspace'] as const;
export type TimestepSpacing = (typeof TIMESTEP_SPACINGS)[number];

/** Variance of the noise that a DDPM step adds: of the posterior (the first two are one), or β. */
export const VARIANCE_TYPES = ['fixed_small', 'fixed_small_log', 'fixed_large'] as const;
export type VarianceType = (typeof VARIANCE_TYPES)[number];

/**
 * Dynamic thresholding (Saharia et al. 2022, §2.3): x0 of a chunk is clamped to ±q and divided by q, where q is the `quantile` of |x0|
 * over the values of the chunk, at least 1 and at most `most`.
 */
export interface Thresholding {
  /** From 0 to 1; diffusers' `dynamic_thresholding_ratio`. */
  readonly quantile: number;
  /** Above 0; diffusers' `sample_max_value`. With 1 this is a clamp to ±1. */
  readonly most: number;
}
