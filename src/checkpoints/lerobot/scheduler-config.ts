import { BETA_SCHEDULES } from '../../spec/noise-schedule.js';
import type { SchedulerConfig } from '../../spec/policy-spec.js';
import { PREDICTION_TYPES, type Thresholding, TIMESTEP_SPACINGS, VARIANCE_TYPES } from '../../spec/sampling.js';
import type { JsonObject } from '../json-object.js';

/**
 * The scheduler of config.json: LeRobot's keys, and those of diffusers that LeRobot leaves at their defaults and other trainers write. A key
 * that is absent or null takes diffusers' default.
 */
export function readScheduler(config: JsonObject): SchedulerConfig {
  const numTrainTimesteps = config.integer('num_train_timesteps', { fallback: 100, max: 10_000 });
  const beta = { above: 0, below: 1 };
  const type = config.choice('noise_scheduler_type', ['DDPM', 'DDIM'], 'DDPM');
  const betaSchedule = config.choice('beta_schedule', BETA_SCHEDULES, 'squaredcos_cap_v2');
  const predictionType = config.choice('prediction_type', PREDICTION_TYPES, 'epsilon');
  if (betaSchedule === 'sigmoid' && type === 'DDIM')
    config.unsupported('beta_schedule', 'diffusers has it for DDPM alone; other schedules are');
  if (!config.isNull('trained_betas')) config.unsupported('trained_betas', 'null is');
  return {
    type,
    numTrainTimesteps,
    betaSchedule,
    betaStart: config.number('beta_start', { fallback: 1e-4, ...beta }),
    betaEnd: config.number('beta_end', { fallback: 0.02, ...beta }),
    predictionType,
    clipSample: config.boolean('clip_sample', true),
    clipSampleRange: config.number('clip_sample_range', { fallback: 1, above: 0, below: 1e6 }),
    numInferenceSteps: config.isNull('num_inference_steps')
      ? numTrainTimesteps
      : config.integer('num_inference_steps', { max: numTrainTimesteps }),
    ...optional(config, numTrainTimesteps, predictionType),
  };
}

type Optional = Pick<
  SchedulerConfig,
  'rescaleBetasZeroSnr' | 'thresholding' | 'timestepSpacing' | 'stepsOffset' | 'setAlphaToOne' | 'varianceType'
>;

function optional(config: JsonObject, numTrainTimesteps: number, predictionType: SchedulerConfig['predictionType']): Optional {
  const isThere = (key: string): boolean => !config.isNull(key);
  const rescales = isThere('rescale_betas_zero_snr') && config.boolean('rescale_betas_zero_snr', false);
  if (rescales && predictionType === 'epsilon') {
    config.unsupported(
      'rescale_betas_zero_snr',
      '"prediction_type" "epsilon" divides by zero at the last level; v_prediction and sample are',
    );
  }
  const thresholds = isThere('thresholding') && config.boolean('thresholding', false);
  return {
    ...(rescales ? { rescaleBetasZeroSnr: true } : {}),
    ...(thresholds ? { thresholding: readThresholding(config) } : {}),
    ...(isThere('timestep_spacing') ? { timestepSpacing: config.choice('timestep_spacing', TIMESTEP_SPACINGS, 'leading') } : {}),
    ...(isThere('steps_offset') ? { stepsOffset: config.integer('steps_offset', { min: 0, max: numTrainTimesteps - 1 }) } : {}),
    ...(isThere('set_alpha_to_one') ? { setAlphaToOne: config.boolean('set_alpha_to_one', true) } : {}),
    ...(isThere('variance_type') ? { varianceType: config.choice('variance_type', VARIANCE_TYPES, 'fixed_small') } : {}),
  };
}

function readThresholding(config: JsonObject): Thresholding {
  const ratio = 'dynamic_thresholding_ratio';
  return {
    // The largest value is a quantile, too; the check has open ends.
    quantile: config.value(ratio) === 1 ? 1 : config.number(ratio, { fallback: 0.995, above: 0, below: 1 }),
    most: config.number('sample_max_value', { fallback: 1, above: 0, below: 1e6 }),
  };
}
