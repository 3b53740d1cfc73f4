/** What a strategy is made for where a test has no policy: DDPM with 100 levels, chunks of 16 actions of 2 values, 8 of which are executed. */
export const STRATEGY_CONTEXT = {
  scheduler: {
    type: 'DDPM',
    predictionType: 'epsilon',
    clipSample: true,
    clipSampleRange: 1,
    numInferenceSteps: 100,
    numTrainTimesteps: 100,
    betaSchedule: 'squaredcos_cap_v2',
    betaStart: 1e-4,
    betaEnd: 0.02,
  },
  horizon: 16,
  actionDim: 2,
  observationSteps: 2,
  actionSteps: 8,
} as const;
