import { CheckpointError, UnsupportedCheckpointError } from '../../foundation/errors.js';
import { FINAL_GROUPS, type UnetShape } from '../../spec/network-shapes.js';
import type { SchedulerConfig } from '../../spec/policy-spec.js';
import { type JsonObject, shown } from '../json-object.js';
import { type PolicyFeatures, readFeatures } from './features.js';

/** Everything config.json says that inference needs. */
export interface PolicyConfig {
  readonly features: PolicyFeatures;
  readonly unet: UnetShape;
  readonly scheduler: SchedulerConfig;
  readonly observationSteps: number;
  readonly actionSteps: number;
}

/**
 * Reads and checks config.json of any dialect. A missing key means that the file is older than the key, so it takes the
 * default of that time (LeRobot policies/diffusion/configuration_diffusion.py and its history).
 */
export function readPolicyConfig(config: JsonObject, warnings: string[]): PolicyConfig {
  checkType(config);
  const features = readFeatures(config, warnings);
  const observationSteps = config.integer('n_obs_steps', { fallback: 2, max: 1024 });
  const frameDim = features.observations.reduce((sum, feature) => sum + feature.size, 0);
  const unet = readUnet(config, features.action.size, observationSteps * frameDim);
  const mostActions = unet.horizon - observationSteps + 1;
  const actionSteps = config.integer('n_action_steps', { fallback: isRecent(config) ? 32 : 8, max: 4096 });
  if (actionSteps > mostActions) {
    throw new CheckpointError(
      `${config.where}: "n_action_steps" must be at most horizon − n_obs_steps + 1 = ` +
        `${mostActions}, found ${actionSteps}. Correct config.json.`,
    );
  }
  return { features, unet, scheduler: readScheduler(config), observationSteps, actionSteps };
}

function checkType(config: JsonObject): void {
  const type = config.value('type');
  if (type === 'diffusion' || (type === undefined && config.has('input_shapes'))) return;
  if (type === undefined) {
    throw new CheckpointError(
      `${config.where}: expected "type" to be "diffusion", found nothing. If this is a diffusion policy, add the key "type": "diffusion" ` +
        '(files of 2024, which have "input_shapes", may leave it out).',
    );
  }
  throw new UnsupportedCheckpointError(
    `${config.where}: expected "type" to be "diffusion", found ${shown(type)}. ` + 'Only diffusion policies can be run.',
  );
}

/** LeRobot's defaults for horizon and action steps changed in May 2026; this key came in the same summer. */
function isRecent(config: JsonObject): boolean {
  return config.has('gradient_checkpointing');
}

function readUnet(config: JsonObject, actionDim: number, conditioningDim: number): UnetShape {
  const horizon = config.integer('horizon', { fallback: isRecent(config) ? 64 : 16, max: 4096 });
  const downDims = config.integers('down_dims', { fallback: [512, 1024, 2048] });
  const kernelSize = config.integer('kernel_size', { fallback: 5, max: 255 });
  const groups = config.integer('n_groups', { fallback: 8 });
  const stepEmbedDim = config.integer('diffusion_step_embed_dim', { fallback: 128, min: 4 });
  if (downDims.length === 0 || horizon % 2 ** downDims.length !== 0) {
    throw new CheckpointError(
      `${config.where}: "horizon" must be a multiple of 2^${downDims.length} for the ` +
        `${downDims.length} levels of "down_dims" (at least one), found ${horizon}. Correct config.json.`,
    );
  }
  if (kernelSize % 2 === 0) config.fail('kernel_size', 'odd (an even kernel changes the length of the sequence)');
  if (downDims.some((dim) => dim % groups !== 0)) {
    config.fail('n_groups', `a divisor of every entry of "down_dims" ${shown(downDims)}`);
  }
  if (downDims[0]! % FINAL_GROUPS !== 0) {
    config.fail('down_dims', `a list whose first entry is a multiple of ${FINAL_GROUPS}, the groups of the last layer`);
  }
  if (stepEmbedDim % 2 !== 0) config.fail('diffusion_step_embed_dim', 'even (half sines, half cosines)');
  const scaleModulation = config.boolean('use_film_scale_modulation', true);
  return { actionDim, horizon, downDims, kernelSize, groups, stepEmbedDim, conditioningDim, scaleModulation };
}

function readScheduler(config: JsonObject): SchedulerConfig {
  const numTrainTimesteps = config.integer('num_train_timesteps', { fallback: 100, max: 10_000 });
  const beta = { above: 0, below: 1 };
  return {
    type: config.choice('noise_scheduler_type', ['DDPM', 'DDIM'], 'DDPM'),
    numTrainTimesteps,
    betaSchedule: config.choice('beta_schedule', ['squaredcos_cap_v2', 'linear', 'scaled_linear'], 'squaredcos_cap_v2'),
    betaStart: config.number('beta_start', { fallback: 1e-4, ...beta }),
    betaEnd: config.number('beta_end', { fallback: 0.02, ...beta }),
    predictionType: config.choice('prediction_type', ['epsilon', 'sample'], 'epsilon'),
    clipSample: config.boolean('clip_sample', true),
    clipSampleRange: config.number('clip_sample_range', { fallback: 1, above: 0, below: 1e6 }),
    numInferenceSteps: config.isNull('num_inference_steps')
      ? numTrainTimesteps
      : config.integer('num_inference_steps', { max: numTrainTimesteps }),
  };
}
