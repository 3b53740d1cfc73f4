import type { Schedule } from '../diffusion/solver-step.js';
import type { MethodType } from '../spec/method-networks.js';
import { type DecisionStart, type NetworkNeed, type Strategy, type StrategyContext, singleRuns } from './strategy.js';

/** A run from a prediction that is noised to the level that the network is asked at first. */
export interface WarmRun {
  readonly predictionScale: number;
  readonly noiseScale: number;
  readonly schedule: Schedule;
}

/** A strategy all of whose decisions are one run through the network of a method. */
export interface NetworkRuns {
  readonly description: string;
  readonly need: NetworkNeed & { readonly network: MethodType };
  readonly schedule: Schedule;
  /** What a run starts from: noise times a number, or what the network itself predicts. */
  readonly start: { readonly noiseScale: number } | 'prediction';
  /** How decisions after the first begin, where the policy's predictor has a part in them. Default: as the first. */
  readonly warm?: WarmRun | undefined;
}

/** What a method asks for whose decisions after the first are warm. */
export const WARM_NEED: NetworkNeed = { network: 'predictor', why: 'for warm starts', given: "a folder or 'shift'" };

export function networkRuns({ description, need, schedule, start, warm }: NetworkRuns, { actionSteps }: StrategyContext): Strategy {
  const denoiser = need.network;
  const predicts = start === 'prediction';
  const scales = predicts ? { predictionScale: 1, noiseScale: 0 } : { predictionScale: 0, noiseScale: start.noiseScale };
  const first: DecisionStart = { ...scales, schedule, denoiser, warm: false, stalled: false };
  const later: DecisionStart = warm ? { ...warm, denoiser, warm: true, stalled: false } : first;
  return {
    description: warm ? `${description}, warm` : description,
    schedules: warm ? [schedule, warm.schedule] : [schedule],
    usual: later.schedule,
    needs: warm ? [need, WARM_NEED] : [need],
    denoiser,
    predicts,
    actionSteps,
    needsOnlyChunks: true,
    begin: singleRuns(({ newest }) => (newest ? later : first)),
  };
}
