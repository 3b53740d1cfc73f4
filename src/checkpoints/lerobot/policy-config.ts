import { CheckpointError, UnsupportedCheckpointError } from '../../foundation/errors.js';
import { FINAL_GROUPS, type UnetShape } from '../../spec/network-shapes.js';
import type { ImageInputs, SchedulerConfig } from '../../spec/policy-spec.js';
import { type JsonObject, shown } from '../json-object.js';
import { isRecent } from './era.js';
import { type FileFeature, type PolicyFeatures, readFeatures } from './features.js';
import { readScheduler } from './scheduler-config.js';

/** Everything config.json says that inference needs. */
export interface PolicyConfig {
  readonly features: PolicyFeatures;
  /** Undefined for a policy without images. */
  readonly images: ImageInputs | undefined;
  readonly unet: UnetShape;
  readonly scheduler: SchedulerConfig;
  readonly observationSteps: number;
  readonly actionSteps: number;
}

/**
 * Reads and checks config.json of any dialect. A missing key means that the file is older than the key, so it takes the
 * default of that time (LeRobot policies/diffusion/configuration_diffusion.py and its history).
 */
export async function readPolicyConfig(config: JsonObject, warnings: string[]): Promise<PolicyConfig> {
  checkType(config);
  const features = readFeatures(config, warnings);
  const observationSteps = config.integer('n_obs_steps', { fallback: 2, max: 1024 });
  const images = await imagesOf(config, features.observations);
  const frameDim = features.observations.reduce((sum, feature) => sum + widthInFrame(feature, images), 0);
  const unet = readUnet(config, features.action.size, observationSteps * frameDim);
  const actionSteps = readActionSteps(config, unet.horizon, observationSteps, warnings);
  return { features, images, unet, scheduler: readScheduler(config), observationSteps, actionSteps };
}

/** The code that reads of images is loaded where there are some. */
async function imagesOf(config: JsonObject, features: readonly FileFeature[]): Promise<ImageInputs | undefined> {
  if (features.every(({ sides }) => sides === undefined)) return undefined;
  return (await import('./image-config.js')).readImageInputs(config, features);
}

/** Values of a feature in the conditioning vector: an image is there as x and y of the keypoints. */
export function widthInFrame({ sides, size }: FileFeature, images: ImageInputs | undefined): number {
  return sides === undefined || images === undefined ? size : 2 * images.encoder.keypoints;
}

/**
 * Throws CheckpointError for a horizon that LeRobot refuses: its multiples are twice those that the network needs. Diffusion Policy runs the
 * others, too.
 */
export function checkLerobotHorizon(config: JsonObject, { horizon, downDims }: UnetShape): void {
  if (horizon % 2 ** downDims.length === 0) return;
  throw new CheckpointError(
    `${config.where}: "horizon" must be a multiple of 2^${downDims.length} for the ${downDims.length} levels of "down_dims", as LeRobot has it, ` +
      `found ${horizon}. Use config.json as training wrote it.`,
  );
}

/** LeRobot slices the chunk, so that a count beyond its end executes what there is. */
function readActionSteps(config: JsonObject, horizon: number, observationSteps: number, warnings: string[]): number {
  const asked = config.integer('n_action_steps', { fallback: isRecent(config) ? 32 : 8, max: 4096 });
  const most = horizon - observationSteps + 1;
  if (most < 1) {
    throw new CheckpointError(
      `${config.where}: "horizon" must be at least "n_obs_steps" ${observationSteps}, or no action is left to execute, found ${horizon}. ` +
        'Use config.json as training wrote it.',
    );
  }
  if (asked <= most) return asked;
  warnings.push(
    `${config.where}: "n_action_steps" is ${asked}, but a chunk has horizon − n_obs_steps + 1 = ${most} actions from now on; ${most} are ` +
      'executed per decision, as in LeRobot.',
  );
  return most;
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

/** Sizes of the U-Net; methods bring networks with the same keys. */
export function readUnet(config: JsonObject, actionDim: number, conditioningDim: number): UnetShape {
  const horizon = config.integer('horizon', { fallback: isRecent(config) ? 64 : 16, max: 4096 });
  const downDims = config.integers('down_dims', { fallback: [512, 1024, 2048] });
  const kernelSize = config.integer('kernel_size', { fallback: 5, max: 255 });
  const groups = config.integer('n_groups', { fallback: 8 });
  const stepEmbedDim = config.integer('diffusion_step_embed_dim', { fallback: 128, min: 4 });
  if (downDims.length === 0) config.fail('down_dims', 'a list of the channels of at least one level');
  const halvings = downDims.length - 1;
  if (horizon % 2 ** halvings !== 0) {
    throw new CheckpointError(
      `${config.where}: "horizon" must be a multiple of 2^${halvings}, because ${downDims.length} levels of "down_dims" halve it ${halvings} ` +
        `times, found ${horizon}. Use config.json as training wrote it.`,
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
