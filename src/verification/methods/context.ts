import { methodsByType } from '../../spec/method-networks.js';
import type { StrategyContext } from '../../strategies/strategy.js';
import type { MethodRun } from './define.js';

/** What strategies of a case are made for: its network, and the stand-in policy around it. */
export function strategyContextOf({ policy, config }: MethodRun): StrategyContext {
  const { horizon, actionDim, observationSteps, actionSteps } = policy.info;
  const scheduler = {
    type: 'DDPM',
    numTrainTimesteps: 1,
    betaSchedule: 'squaredcos_cap_v2',
    betaStart: 1e-4,
    betaEnd: 0.02,
    predictionType: 'epsilon',
    clipSample: true,
    clipSampleRange: 1,
    numInferenceSteps: 1,
  } as const;
  return { scheduler, horizon, actionDim, observationSteps, actionSteps, methods: methodsByType([config]) };
}
