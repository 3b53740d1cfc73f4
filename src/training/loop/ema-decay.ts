/** Whose count of updates an EMA follows: diffusers' (LeRobot), or the class of Diffusion Policy, which is one update behind. */
export const EMA_COUNTS = ['lerobot', 'diffusion-policy'] as const;
export type EmaCount = (typeof EMA_COUNTS)[number];

const MOST = 0.9999;
const POWER = 0.75;

/**
 * d of the EMA's update number `update`, counted from 1: shadow ← d · shadow + (1 − d) · weights. The first update (LeRobot), or the first two
 * (Diffusion Policy), copy the weights. Source: diffusers `EMAModel`, diffusion_policy `ema_model.py`.
 */
export function emaDecay(count: EmaCount, update: number): number {
  const since = update - (count === 'lerobot' ? 1 : 2);
  return since <= 0 ? 0 : Math.min(MOST, 1 - (1 + since) ** -POWER);
}
