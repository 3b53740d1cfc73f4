import { ACTION, ENVIRONMENT, STATE } from '../../checkpoints/lerobot/features.js';
import { writtenMode } from '../../checkpoints/lerobot/normalizers.js';
import {
  DEFAULT_NORMALIZATION,
  EPS,
  type WrittenNormalization,
  type WrittenPolicy,
  type WrittenStatistics,
  type WrittenVision,
} from '../../checkpoints/lerobot/write-policy.js';
import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import type { Dataset } from '../../datasets/dataset.js';
import { OptionError } from '../../foundation/errors.js';
import type { NormalizationMode, Normalizer } from '../../spec/policy-spec.js';
import { POLICY_PREFIX } from '../image-encoder/parameters.js';
import type { ParameterInfo } from '../training-step.js';
import { UNET_PREFIX } from '../unet/parameters.js';

const WHERE = 'trainPolicy';

/** Options that the policy says that a run begins from. */
const FIXED = ['sizes', 'horizon', 'observationSteps', 'observations', 'crop'] as const;

/**
 * Whether a policy can be trained on. @throws OptionError for one that is written otherwise than LeRobot writes, for options that it says itself,
 * and for what is not trained.
 */
export function checkInitialPolicy({ name, dialect, images, observations }: PolicyCheckpoint, options: object): void {
  const given = FIXED.find((key) => (options as Readonly<Record<string, unknown>>)[key] !== undefined);
  if (given !== undefined) {
    throw new OptionError(`${WHERE}: ${given} is that of the initial policy "${name}": leave it out, or leave \`initial\` out.`);
  }
  if (dialect === 'diffusion-policy') {
    throw new OptionError(
      `${WHERE}: initial must be a LeRobot checkpoint, "${name}" has the tensors of Diffusion Policy: convert it with LeRobot.`,
    );
  }
  if (!observations.some((feature) => feature.name === STATE)) {
    throw new OptionError(`${WHERE}: initial must read "${STATE}", as every LeRobot policy does; "${name}" does not: give another policy.`);
  }
  const modes = [...new Set(observations.filter(({ kind }) => kind === 'image').map(({ normalizer }) => normalizer.mode))];
  if (modes.length > 1) {
    throw new OptionError(
      `${WHERE}: expected one mode of normalisation for all cameras of the initial policy "${name}", as LeRobot writes them, found ` +
        `${modes.join(' and ')}: give another policy.`,
    );
  }
  if (images?.resize && images.crop) {
    throw new OptionError(
      `${WHERE}: the initial policy "${name}" resizes pictures and crops them (resize_shape, crop_ratio below 1): crops at random behind a resize are not ` +
        'drawn here. Give a policy with crop_ratio 1, or one that crops without resizing.',
    );
  }
}

/** Image encoders as the policy has them; undefined for one without images. */
export function initialVision({ images }: PolicyCheckpoint): WrittenVision | undefined {
  if (!images) return undefined;
  const { encoder, isSeparate, resize = null } = images;
  return { backbone: encoder.backbone, norm: encoder.norm, keypoints: encoder.keypoints, isSeparate, resize };
}

/**
 * Statistics of its pictures by name of the camera, those that its mode reads: the encoder was trained on pictures that were normalised by them. By what is
 * written, pictures are normalised to the same bits (but for the last one of ranges of a minimum below 0, or that LeRobot added an epsilon to).
 */
export function initialPictureStatistics({ observations }: PolicyCheckpoint): Map<string, WrittenStatistics> {
  const pictures = observations.filter(({ kind }) => kind === 'image');
  return new Map(pictures.map(({ name, normalizer }) => [name, statisticsOf(normalizer)]));
}

/** The pair that a mode reads, back from (x − first) / divide: divide is std + eps, or the range between the pair, in f32. */
function statisticsOf({ mode, subtract, divide }: Normalizer): WrittenStatistics {
  const pair = writtenMode(mode)?.pair;
  if (!pair) return {};
  const second = divide.map((value, i) => (mode === 'mean-std' ? value - Math.fround(EPS) : (subtract[i] as number) + value));
  return { [pair[0]]: subtract.slice(), [pair[1]]: second };
}

/** Its modes of normalisation by types of feature. */
export function initialNormalization({ observations, action }: PolicyCheckpoint): WrittenNormalization {
  const mode = (of: NormalizationMode): string => writtenMode(of)?.name ?? 'IDENTITY';
  const found = observations.map(({ kind, name, normalizer }): [keyof WrittenNormalization, string] => [
    kind === 'image' ? 'VISUAL' : name === ENVIRONMENT ? 'ENV' : 'STATE',
    mode(normalizer.mode),
  ]);
  return { ...DEFAULT_NORMALIZATION, ...Object.fromEntries(found), ACTION: mode(action.mode) };
}

/** @throws OptionError where the data set lacks what the policy reads, or has it of another kind or size. */
export function checkInitialFeatures(policy: PolicyCheckpoint, dataset: Dataset, actionDim: number): void {
  const { name: policyName, observations, images, unet } = policy;
  for (const { name, kind, size } of observations) {
    const found = dataset.features.find((feature) => feature.name === name);
    if (!found || (found.kind === 'vector') !== (kind === 'vector')) {
      const what = kind === 'image' ? 'camera' : 'vector';
      throw new OptionError(
        `${WHERE}: the initial policy "${policyName}" reads the ${what} "${name}", the data set ${dataset.name} has no such ${what}, but ` +
          `${dataset.features.map((feature) => feature.name).join(', ')}: give data of the same robot, under the same names.`,
      );
    }
    const expected = kind === 'image' ? images?.frame.join('×') : String(size);
    const there = kind === 'image' ? found.shape.slice(0, 2).join('×') : String(found.size);
    if (expected !== there) {
      throw new OptionError(
        `${WHERE}: the initial policy "${policyName}" reads ${expected} of "${name}", the data set has ${there}: give data of the same robot, with ` +
          'pictures of the same size.',
      );
    }
  }
  if (unet.actionDim !== actionDim) {
    throw new OptionError(
      `${WHERE}: the initial policy "${policyName}" has actions of ${unet.actionDim} numbers, the data set of ${actionDim}: give data of the same robot.`,
    );
  }
}

/** @throws OptionError where a mode of the policy needs statistics of a vector that the data set does not have. */
export function checkInitialStatistics({ name, observations, action }: PolicyCheckpoint, written: WrittenPolicy, dataset: string): void {
  const modes = new Map(observations.map((feature) => [feature.name, feature.normalizer.mode])).set(ACTION, action.mode);
  for (const feature of [...written.inputs, written.action]) {
    const missing = writtenMode(modes.get(feature.name) ?? 'identity')?.pair.find(
      (statistic) => !Object.hasOwn(feature.statistics, statistic),
    );
    if (missing === undefined) continue;
    throw new OptionError(
      `${WHERE}: the initial policy "${name}" normalises "${feature.name}" by the statistic "${missing}", which the data set ${dataset} does not have: ` +
        'write it anew with `warmstep dataset convert`.',
    );
  }
}

/** The weights of a policy, or other tensors of its file, by the names of the state dict. */
export async function initialTensors(policy: PolicyCheckpoint, wanted: readonly ParameterInfo[]): Promise<Map<string, Float32Array>> {
  const tensors = new Map<string, Float32Array>();
  for (const { name } of wanted) {
    const values = name.startsWith(UNET_PREFIX)
      ? await policy.weights.readFloats(name.slice(UNET_PREFIX.length))
      : await policy.encoders?.weights.readFloats(name.slice(POLICY_PREFIX.length));
    if (!values) throw new TypeError(`a policy without images has no "${name}"`);
    tensors.set(name, values.slice());
  }
  return tensors;
}
