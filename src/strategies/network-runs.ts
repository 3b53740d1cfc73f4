import type { Schedule } from '../diffusion/solver-step.js';
import type { MethodType } from '../spec/method-networks.js';
import { type NetworkNeed, type Strategy, type StrategyContext, singleRuns } from './strategy.js';

/** A strategy all of whose decisions are one run through the network of a method, over one schedule. */
export interface NetworkRuns {
  readonly description: string;
  readonly need: NetworkNeed & { readonly network: MethodType };
  readonly schedule: Schedule;
  /** What a run starts from: noise times a number, or what the network itself predicts. */
  readonly start: { readonly noiseScale: number } | 'prediction';
}

export function networkRuns({ description, need, schedule, start }: NetworkRuns, { actionSteps }: StrategyContext): Strategy {
  const denoiser = need.network;
  const predicts = start === 'prediction';
  const scales = predicts ? { predictionScale: 1, noiseScale: 0 } : { predictionScale: 0, noiseScale: start.noiseScale };
  const request = { ...scales, schedule, denoiser, warm: false, stalled: false } as const;
  return {
    description,
    schedules: [schedule],
    usual: schedule,
    needs: [need],
    denoiser,
    predicts,
    actionSteps,
    needsOnlyChunks: true,
    begin: singleRuns(() => request),
  };
}
