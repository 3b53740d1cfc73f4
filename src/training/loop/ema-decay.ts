/**
 * Whose count of updates an EMA follows: diffusers' (LeRobot), the class of Diffusion Policy, which is one update behind, or torch_ema's with the
 * decay of BRIDGER's release.
 */
export const EMA_COUNTS = ['lerobot', 'diffusion-policy', 'bridger'] as const;
export type EmaCount = (typeof EMA_COUNTS)[number];

const MOST = 0.9999;
const POWER = 0.75;
/** Of BRIDGER's release, whatever its configuration says. */
const BRIDGER_MOST = 0.75;

/**
 * d of the EMA's update number `update`, counted from 1: shadow ← d · shadow + (1 − d) · weights. The first update (LeRobot), or the first two
 * (Diffusion Policy), copy the weights; torch_ema warms up by (1 + n)/(10 + n). Source: diffusers `EMAModel`, diffusion_policy `ema_model.py`,
 * torch_ema `ExponentialMovingAverage`.
 */
export function emaDecay(count: EmaCount, update: number): number {
  if (count === 'bridger') return Math.min(BRIDGER_MOST, (1 + update) / (10 + update));
  const since = update - (count === 'lerobot' ? 1 : 2);
  return since <= 0 ? 0 : Math.min(MOST, 1 - (1 + since) ** -POWER);
}
