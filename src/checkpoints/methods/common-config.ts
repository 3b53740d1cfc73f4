import { BETA_SCHEDULES, type NoiseScheduleOptions } from '../../spec/noise-schedule.js';
import type { JsonObject } from '../json-object.js';
import { readUnet } from '../lerobot/policy-config.js';
import type { CommonConfig } from './define.js';

/** Sizes that all methods declare: those of the chunk, of the conditioning, and of the U-Net. */
export function readCommon(json: JsonObject): CommonConfig {
  const observationSteps = json.integer('n_obs_steps', { max: 1024 });
  const unet = readUnet(json, json.integer('action_dim', {}), observationSteps * json.integer('obs_dim', {}));
  return { unet, observationSteps, actionSteps: json.integer('n_action_steps', { max: unet.horizon }) };
}

/** The noise schedule of methods that have one. */
export function readNoiseSchedule(json: JsonObject): NoiseScheduleOptions {
  const beta = { above: 0, below: 1 };
  return {
    numTrainTimesteps: json.integer('num_train_timesteps', { fallback: 100, max: 10_000 }),
    betaSchedule: json.choice('beta_schedule', BETA_SCHEDULES, 'squaredcos_cap_v2'),
    betaStart: json.number('beta_start', { fallback: 1e-4, ...beta }),
    betaEnd: json.number('beta_end', { fallback: 0.02, ...beta }),
  };
}

/** `clip_range`: a bound in normalised action space, 1 where it is not there, or null for none. */
export function readClipRange(json: JsonObject): number | null {
  return json.has('clip_range') && json.isNull('clip_range') ? null : json.number('clip_range', { fallback: 1, above: 0, below: 1e6 });
}
