import type { PolicyCheckpoint } from '../../checkpoints/types.js';
import { OptionError } from '../../foundation/errors.js';
import { checkChoice, checkInteger, checkKeys, checkList, checkObject, checkText, checkToggle, keysOf } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import type { RawRows } from '../../spec/network-shapes.js';
import type { ObservationFeature } from '../../spec/policy-spec.js';

/** Image encoders that are trained with what reads them, by their `type` in config.json: SmallConvEncoder of the STEP release. */
export const IMAGE_ENCODERS = ['small_conv'] as const;

/**
 * An image encoder of a network's own, which learns with it: one for all cameras, over whole pictures as bytes / 255. The network then reads
 * vectors in raw units beside it, and nothing of the policy's encoder and statistics of observations, as the image predictors of the STEP release.
 */
export interface ImageEncoderOptions {
  readonly type: (typeof IMAGE_ENCODERS)[number];
  /** Features of a picture, a multiple of 4. Default 128, as the release. */
  readonly embedDim?: number;
  /** Whether pixels are normalised by ImageNet's statistics. Default false, as the release. */
  readonly imagenetNorm?: boolean;
  /** Images of the policy, in the order of their features. Default: all, sorted by name as the release has them. */
  readonly imageKeys?: readonly string[];
  /** Vectors of the policy that follow, in their order. Default: all, sorted by name. */
  readonly stateKeys?: readonly string[];
}

const KEYS = keysOf<ImageEncoderOptions>({ type: true, embedDim: true, imagenetNorm: true, imageKeys: true, stateKeys: true });
export const EMBED_DIM = 128;
/** As many observations as anybody names. */
const MOST_KEYS = 1024;

/** @throws OptionError */
export function checkImageEncoder(where: string, value: ImageEncoderOptions): ImageEncoderOptions {
  checkObject(where, 'imageEncoder', value);
  const at = `${where}: imageEncoder`;
  checkKeys(at, value, KEYS);
  const { type, embedDim, imagenetNorm, imageKeys, stateKeys } = value;
  checkChoice(at, 'type', type, IMAGE_ENCODERS);
  if (embedDim !== undefined && checkInteger(at, 'embedDim', embedDim, 4, 65_536) % 4 !== 0) {
    throw new OptionError(`${at}: embedDim must be a multiple of 4, found ${embedDim}.`);
  }
  if (imagenetNorm !== undefined) checkToggle(at, 'imagenetNorm', imagenetNorm);
  for (const [name, keys, least] of [
    ['imageKeys', imageKeys, 1],
    ['stateKeys', stateKeys, 0],
  ] as const) {
    if (keys === undefined) continue;
    checkList(at, name, keys, (key, index) => checkText(at, `${name}[${index}]`, key), MOST_KEYS);
    if (keys.length < least || new Set(keys).size < keys.length) {
      throw new OptionError(`${at}: ${name} must be a list of at least ${least} names, each once, found ${shownValue(keys)}.`);
    }
  }
  return value;
}

/**
 * What a network with an image encoder of its own reads of each frame of a policy.
 * @throws OptionError where the policy does not observe what is named, or has no pictures of one size.
 */
export function ownRows(where: string, { name: policy, observations }: PolicyCheckpoint, options: ImageEncoderOptions): RawRows {
  const { embedDim = EMBED_DIM, imagenetNorm = false, imageKeys, stateKeys } = options;
  const named = <Kind extends ObservationFeature['kind']>(
    kind: Kind,
    option: string,
    keys: readonly string[] | undefined,
  ): (ObservationFeature & { readonly kind: Kind })[] => {
    const known = observations.filter((one): one is ObservationFeature & { readonly kind: Kind } => one.kind === kind);
    if (keys === undefined) return [...known].sort((a, b) => (a.name < b.name ? -1 : 1));
    const chosen = keys.map((key) => {
      // A policy may rename one observation to what another one is called in the data set: its own names first.
      const found = known.find(({ name }) => name === key) ?? known.find(({ rawName }) => rawName === key);
      if (found) return found;
      const names = known.map(({ name }) => name).join(', ') || 'none';
      throw new OptionError(
        `${where}: imageEncoder.${option}: expected one of the ${kind}s that policy "${policy}" reads (${names}), found "${key}".`,
      );
    });
    if (new Set(chosen).size < chosen.length) {
      throw new OptionError(
        `${where}: imageEncoder.${option}: two of ${shownValue(keys)} are the same ${kind} of policy "${policy}": name it once.`,
      );
    }
    return chosen;
  };
  const cameras = named('image', 'imageKeys', imageKeys);
  const vectors = named('vector', 'stateKeys', stateKeys);
  const [first] = cameras;
  if (!first) throw new OptionError(`${where}: imageEncoder: policy "${policy}" reads no pictures: leave imageEncoder out.`);
  const { height, width } = first;
  const other = cameras.find((camera) => camera.height !== height || camera.width !== width || camera.channels !== 3);
  if (other) {
    throw new OptionError(
      `${where}: imageEncoder: expected pictures of 3×${height}×${width} as of "${first.name}", found ${other.channels}×${other.height}×${other.width} ` +
        `of "${other.name}". Name images of one size in imageKeys.`,
    );
  }
  return {
    kind: 'raw',
    cameras: cameras.map(({ name }) => name),
    vectors: vectors.map(({ name }) => name),
    encoder: { features: embedDim, height, width, imagenetNorm },
    width: cameras.length * embedDim + vectors.reduce((sum, { size }) => sum + size, 0),
  };
}
