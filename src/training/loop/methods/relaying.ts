import { noiseRelaying, type RelayingBatch } from '../../methods/noise-relaying.js';
import type { TrainedPrediction } from '../../unet/batch.js';
import { beginFresh } from './begin.js';
import { scheduleKeys } from './config.js';
import type { MethodDraws, TrainableMethod } from './define.js';

/** Probability of a batch whose row i is at level i; otherwise every row's level is drawn. */
const LINEAR_SHARE = 0.4;

/**
 * RNR-DP: as many levels as rows; a batch is at one vector of levels, which all its samples share, as in the release (bc_rnrdp_state_ms2.py). Its
 * chunks begin with the action of the newest frame. Rows beyond an episode repeat its last action, where the release has zeros.
 */
export const RELAYING: TrainableMethod = {
  preset: 'rnr-dp',
  steps: 100_000,
  title: 'RNR-DP',
  accepts: ['sizes', 'horizon'],
  firstRow: 0,
  open: async (context) => {
    const { checkpoint, shape, batchSize } = context;
    const { scheduler } = checkpoint;
    const predictionType = scheduler.predictionType as TrainedPrediction;
    const schedule = { ...scheduler, numTrainTimesteps: shape.horizon };
    const step = await beginFresh(context, noiseRelaying({ shape, batchSize, schedule, predictionType }));
    return {
      step,
      batch: ({ count, conditioning, actions }, draws): RelayingBatch => ({
        count,
        conditioning,
        actions,
        noise: draws.normals('methodNoise', actions.length),
        levels: drawnLevels(shape.horizon, batchSize, draws),
      }),
      config: {
        type: 'rnr_policy',
        n_action_steps: 1,
        time_embeddings: 'per_slot',
        ...scheduleKeys(schedule),
        prediction_type: predictionType,
        clip_sample: scheduler.clipSample,
        clip_sample_range: scheduler.clipSampleRange,
        variance_type: 'fixed_small',
      },
      destroy: () => {},
    };
  },
};

function drawnLevels(slots: number, batchSize: number, draws: MethodDraws): Int32Array {
  const isLinear = (draws.uniforms('methodRegime', 1)[0] as number) < LINEAR_SHARE;
  const drawn = draws.integers('methodLevels', slots, slots);
  return Int32Array.from({ length: batchSize * slots }, (_, i) => (isLinear ? i % slots : (drawn[i % slots] as number)));
}
