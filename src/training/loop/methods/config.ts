import type { UnetShape } from '../../../spec/network-shapes.js';
import type { NoiseScheduleOptions } from '../../../spec/noise-schedule.js';
import type { MethodContext } from './define.js';

/** Keys of a network with a noise schedule. */
export function scheduleKeys(schedule: NoiseScheduleOptions): Record<string, unknown> {
  const { numTrainTimesteps, betaSchedule, betaStart, betaEnd } = schedule;
  return { num_train_timesteps: numTrainTimesteps, beta_schedule: betaSchedule, beta_start: betaStart, beta_end: betaEnd };
}

/** `config.json` of a method's network: type, sizes of chunk and conditioning, U-Net, and what the method says (docs/methods.md). */
export function methodConfig(
  { shape, actionSteps, checkpoint, frameSize }: Pick<MethodContext, 'shape' | 'actionSteps' | 'checkpoint' | 'frameSize'>,
  { type, ...own }: Readonly<Record<string, unknown>>,
): string {
  const config = {
    type,
    action_dim: shape.actionDim,
    obs_dim: frameSize,
    n_obs_steps: checkpoint.observationSteps,
    horizon: shape.horizon,
    n_action_steps: actionSteps,
    ...unetKeys(shape),
    ...own,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

function unetKeys({ downDims, kernelSize, groups, stepEmbedDim, scaleModulation }: UnetShape): Record<string, unknown> {
  return {
    down_dims: downDims,
    kernel_size: kernelSize,
    n_groups: groups,
    diffusion_step_embed_dim: stepEmbedDim,
    use_film_scale_modulation: scaleModulation,
  };
}
