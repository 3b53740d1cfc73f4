import { alphasCumprod } from '../diffusion/noise-schedule.js';
import { SlotSolver } from '../diffusion/slot-steps.js';
import type { LadderNetwork, StreamingNetwork } from '../spec/method-networks.js';

/** How rows of a network's chunks go from level to level. `clip`: in place of the network's. */
export function slotSolverOf(
  { noiseSchedule, predictionType, varianceType, clip: own }: StreamingNetwork | LadderNetwork,
  clip: number | null | undefined,
): { readonly solver: SlotSolver; readonly alphasCumprod: Float64Array } {
  const alphas = alphasCumprod(noiseSchedule, 'pytorch');
  return {
    solver: new SlotSolver({ alphasCumprod: alphas, predictionType, varianceType, clip: clip === undefined ? own : clip }),
    alphasCumprod: alphas,
  };
}
