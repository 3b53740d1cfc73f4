/**
 * Whose count of updates an EMA follows: diffusers' (LeRobot), or the class of Diffusion Policy, which is one update behind; RNR-DP's, which asks
 * diffusers for a power and gets a ratio; or torch_ema's with the decay of BRIDGER's release.
 */
export const EMA_COUNTS = ['lerobot', 'diffusion-policy', 'rnr-dp', 'bridger'] as const;
export type EmaCount = (typeof EMA_COUNTS)[number];

const MOST = 0.9999;
const POWER = 0.75;
/** Of BRIDGER's release, whatever its configuration says. */
const BRIDGER_MOST = 0.75;

/**
 * d of the EMA's update number `update`, counted from 1: shadow ← d · shadow + (1 − d) · weights. The first update (LeRobot), or the first two
 * (Diffusion Policy), copy the weights. RNR-DP: (1 + k) / (10 + k) after k updates, because `use_ema_warmup` is off; torch_ema warms up by
 * (1 + n) / (10 + n) at update n. Source: diffusers `EMAModel`, diffusion_policy `ema_model.py`, torch_ema `ExponentialMovingAverage`.
 */
export function emaDecay(count: EmaCount, update: number): number {
  if (count === 'bridger') return Math.min(BRIDGER_MOST, (1 + update) / (10 + update));
  const since = update - (count === 'diffusion-policy' ? 2 : 1);
  if (count === 'rnr-dp') return since <= 0 ? 0 : Math.min(MOST, (1 + since) / (10 + since));
  return since <= 0 ? 0 : Math.min(MOST, 1 - (1 + since) ** -POWER);
}
