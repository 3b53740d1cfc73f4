import type { Backbone, UnetShape } from '../../spec/network-shapes.js';
import type { SchedulerConfig, Sides } from '../../spec/policy-spec.js';
import { encodeSafetensors, type WritableTensor } from '../safetensors/safetensors.js';
import { ACTION, ENVIRONMENT, STATE } from './features.js';
import { MODES } from './normalizers.js';

/** Statistics of a feature by LeRobot's names: min, max, mean, std, and quantiles where there are any. */
export type WrittenStatistics = Readonly<Record<string, ArrayLike<number>>>;

/** An input or the output of a policy that is written. */
export interface WrittenFeature {
  readonly name: string;
  /** Of a vector [size], of a picture [3, height, width]. */
  readonly shape: readonly number[];
  readonly statistics: WrittenStatistics;
}

/** Everything that the files of a LeRobot diffusion policy say besides its weights. */
export interface WrittenPolicy {
  readonly unet: UnetShape;
  readonly scheduler: SchedulerConfig;
  /** Null: as many as noise levels. */
  readonly numInferenceSteps: number | null;
  readonly observationSteps: number;
  readonly actionSteps: number;
  readonly dropLastFrames: number;
  readonly maskPadding: boolean;
  /** In the order that `input_features` shall have. */
  readonly inputs: readonly WrittenFeature[];
  readonly action: WrittenFeature;
  readonly optimizer: {
    readonly learningRate: number;
    readonly betas: readonly [number, number];
    readonly epsilon: number;
    readonly weightDecay: number;
    readonly schedule: string;
    readonly warmupSteps: number;
  };
  readonly crop: Sides | null;
  readonly vision: WrittenVision;
  readonly normalization: WrittenNormalization;
}

/** The image encoders, as config.json has them. */
export interface WrittenVision {
  readonly backbone: Backbone;
  readonly norm: 'group' | 'batch';
  readonly keypoints: number;
  /** Whether every camera has an encoder of its own. */
  readonly isSeparate: boolean;
  /** Height and width that pictures are brought to before the crop. */
  readonly resize: Sides | null;
}

/** LeRobot's modes by type of feature, such as `MIN_MAX`. */
export type WrittenNormalization = Readonly<Record<'VISUAL' | 'STATE' | 'ENV' | 'ACTION', string>>;

/** LeRobot's default mapping, and ENV in it: the default leaves environment states in raw units. */
export const DEFAULT_NORMALIZATION: WrittenNormalization = { VISUAL: 'MEAN_STD', STATE: 'MIN_MAX', ENV: 'MIN_MAX', ACTION: 'MIN_MAX' };
/** Of the normalisers that are written. */
export const EPS = 1e-8;
/** The file of the statistics that a policy's inputs are normalised by, and its actions, as tensors `feature.statistic`. */
export const STATISTICS_FILE = 'policy_preprocessor_step_3_normalizer_processor.safetensors';
const POST_STATE = 'policy_postprocessor_step_0_unnormalizer_processor.safetensors';

/** The file of the weights, and what LeRobot writes into its header. */
export const MODEL_FILE = 'model.safetensors';
export const MODEL_METADATA = { format: 'pt' } as const;

/**
 * Every file of a checkpoint but the weights, by name: config.json, and both processors with their statistics, in the layout of LeRobot v0.4
 * and later (`processor_diffusion.py`). Its parser refuses fields that it does not know, so config.json has those of `DiffusionConfig` in v0.4.0,
 * whose defaults changed since, and `resize_shape` (v0.4.4) where there is one; fields that came later have the same default everywhere.
 */
export function policyFiles(policy: WrittenPolicy): Map<string, string | Uint8Array> {
  const output = { [policy.action.name]: featureOf(policy.action) };
  const inputs = Object.fromEntries(policy.inputs.map((feature) => [feature.name, featureOf(feature)]));
  const statistics = statisticsFile([...policy.inputs, policy.action]);
  return new Map<string, string | Uint8Array>([
    ['config.json', json(configOf(policy, inputs, output))],
    ['policy_preprocessor.json', json(preprocessor({ ...inputs, ...output }, policy.normalization))],
    [STATISTICS_FILE, statistics],
    ['policy_postprocessor.json', json(postprocessor(output, policy.normalization))],
    [POST_STATE, statistics],
  ]);
}

/** Fields of LeRobot's configuration that are floats there: an integer would be another type to its parser. */
const FLOATS = ['beta_start', 'beta_end', 'clip_sample_range', 'optimizer_lr', 'optimizer_eps', 'optimizer_weight_decay'];
const WHOLE_FLOAT = new RegExp(`("(?:${FLOATS.join('|')})": -?\\d+)(?=,?\\n)`, 'g');

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2).replaceAll(WHOLE_FLOAT, '$1.0')}\n`;
}

/** The statistics that a feature is normalised by; none where its mode reads none. */
export function pairOf(feature: WrittenFeature, normalization: WrittenNormalization): readonly string[] {
  return MODES.get(normalization[typeOf(feature)])?.pair ?? [];
}

/** LeRobot's type of a feature: what normalisation and conditioning go by. */
function typeOf({ name, shape }: WrittenFeature): 'STATE' | 'ENV' | 'VISUAL' | 'ACTION' {
  if (name === ACTION) return 'ACTION';
  if (name === ENVIRONMENT) return 'ENV';
  return shape.length === 3 ? 'VISUAL' : 'STATE';
}

function featureOf(feature: WrittenFeature): { readonly type: string; readonly shape: readonly number[] } {
  return { type: typeOf(feature), shape: feature.shape };
}

function configOf(policy: WrittenPolicy, inputs: object, output: object): object {
  const { unet, scheduler, optimizer, vision } = policy;
  return {
    type: 'diffusion',
    n_obs_steps: policy.observationSteps,
    input_features: inputs,
    output_features: output,
    device: 'cpu',
    use_amp: false,
    horizon: unet.horizon,
    n_action_steps: policy.actionSteps,
    normalization_mapping: policy.normalization,
    drop_n_last_frames: policy.dropLastFrames,
    vision_backbone: vision.backbone,
    ...(vision.resize === null ? {} : { resize_shape: vision.resize }),
    crop_shape: policy.crop,
    crop_is_random: true,
    pretrained_backbone_weights: null,
    use_group_norm: vision.norm === 'group',
    spatial_softmax_num_keypoints: vision.keypoints,
    use_separate_rgb_encoder_per_camera: vision.isSeparate,
    down_dims: unet.downDims,
    kernel_size: unet.kernelSize,
    n_groups: unet.groups,
    diffusion_step_embed_dim: unet.stepEmbedDim,
    use_film_scale_modulation: unet.scaleModulation,
    noise_scheduler_type: scheduler.type,
    num_train_timesteps: scheduler.numTrainTimesteps,
    beta_schedule: scheduler.betaSchedule,
    beta_start: scheduler.betaStart,
    beta_end: scheduler.betaEnd,
    prediction_type: scheduler.predictionType,
    clip_sample: scheduler.clipSample,
    clip_sample_range: scheduler.clipSampleRange,
    num_inference_steps: policy.numInferenceSteps,
    do_mask_loss_for_padding: policy.maskPadding,
    optimizer_lr: optimizer.learningRate,
    optimizer_betas: optimizer.betas,
    optimizer_eps: optimizer.epsilon,
    optimizer_weight_decay: optimizer.weightDecay,
    scheduler_name: optimizer.schedule,
    scheduler_warmup_steps: optimizer.warmupSteps,
  };
}

function preprocessor(features: object, normalization: WrittenNormalization): object {
  return {
    name: 'policy_preprocessor',
    steps: [
      { registry_name: 'rename_observations_processor', config: { rename_map: {} } },
      { registry_name: 'to_batch_processor', config: {} },
      { registry_name: 'device_processor', config: { device: 'cpu', float_dtype: null } },
      { registry_name: 'normalizer_processor', config: { eps: EPS, features, norm_map: normalization }, state_file: STATISTICS_FILE },
    ],
  };
}

function postprocessor(features: object, normalization: WrittenNormalization): object {
  return {
    name: 'policy_postprocessor',
    steps: [
      { registry_name: 'unnormalizer_processor', config: { eps: EPS, features, norm_map: normalization }, state_file: POST_STATE },
      { registry_name: 'device_processor', config: { device: 'cpu', float_dtype: null } },
    ],
  };
}

function statisticsFile(features: readonly WrittenFeature[]): Uint8Array {
  const tensors = features.flatMap((feature) =>
    Object.entries(feature.statistics).map(([statistic, values]): WritableTensor => {
      // LeRobot broadcasts the statistics of a picture over rows and columns.
      const shape = feature.shape.length === 3 ? [values.length, 1, 1] : [values.length];
      return { name: `${feature.name}.${statistic}`, dtype: 'F32', shape, data: Float32Array.from(values) };
    }),
  );
  return encodeSafetensors(tensors);
}

/** The order in which inputs are written: state, pictures, environment state. */
export function inOrder<F extends { readonly name: string }>(features: readonly F[]): F[] {
  const rank = ({ name }: F): number => (name === STATE ? 0 : name === ENVIRONMENT ? 2 : 1);
  return [...features].sort((a, b) => rank(a) - rank(b));
}
