import type { UnetShape } from '../spec/network-shapes.js';
import { BETA_SCHEDULES, type NoiseScheduleOptions } from '../spec/noise-schedule.js';
import type { JsonObject } from './json-object.js';

/** Sizes of the U-Net that the folder of a method's network declares. @throws CheckpointError. */
export function methodUnetShape(config: JsonObject): UnetShape {
  return {
    actionDim: config.integer('action_dim', {}),
    horizon: config.integer('horizon', { max: 4096 }),
    downDims: config.integers('down_dims', {}),
    kernelSize: config.integer('kernel_size', { max: 255 }),
    groups: config.integer('n_groups', {}),
    stepEmbedDim: config.integer('diffusion_step_embed_dim', {}),
    conditioningDim: config.integer('obs_dim', {}) * config.integer('n_obs_steps', { max: 1024 }),
    scaleModulation: config.boolean('use_film_scale_modulation', true),
  };
}

/** Its noise schedule. @throws CheckpointError. */
export function methodNoiseSchedule(config: JsonObject): NoiseScheduleOptions {
  const beta = { above: 0, below: 1 };
  return {
    numTrainTimesteps: config.integer('num_train_timesteps', { max: 100_000 }),
    betaSchedule: config.choice('beta_schedule', BETA_SCHEDULES, 'squaredcos_cap_v2'),
    betaStart: config.number('beta_start', { fallback: 1e-4, ...beta }),
    betaEnd: config.number('beta_end', { fallback: 0.02, ...beta }),
  };
}
