import { CheckpointError, UnsupportedCheckpointError } from '../../foundation/errors.js';
import type { FileFeature } from '../lerobot/features.js';
import type { StoredNames } from '../lerobot/tensor-names.js';
import type { SafetensorsFile } from '../safetensors/safetensors.js';
import { listed } from '../source.js';
import { keysOf } from './keys.js';

/** robomimic's ObservationEncoder, which Diffusion Policy's hybrid image policies take their encoders from. */
const OBSERVATION_ENCODER = 'obs_encoder.';
const NETS = `${OBSERVATION_ENCODER}obs_nets.`;

/** The tensors of image encoders in a Diffusion Policy file. */
export interface EncoderNames {
  /** LeRobot's name of a tensor → name in the file; positions as `pool.pos_x` and `pool.pos_y`. */
  readonly names: StoredNames;
  /** All names in the file that belong to them, those that a tensor has twice among them. */
  readonly stored: readonly string[];
}

/** The first tensor of an observation encoder; undefined where there is none. */
export function observationEncoderTensor(names: StoredNames): string | undefined {
  return [...names].find(([name]) => name.startsWith(OBSERVATION_ENCODER))?.[1];
}

/**
 * Tensors of robomimic's VisualCore (models/base_nets.py: backbone, pool, linear; each is there a second time inside of `nets`) under
 * LeRobot's names. `images`: the cameras in the order of config.json. `prefixes`: what LeRobot's names of each camera's begin with.
 * @throws UnsupportedCheckpointError for encoders of another kind, CheckpointError where a camera has none.
 */
export function diffusionPolicyEncoderNames(
  file: SafetensorsFile,
  names: StoredNames,
  images: readonly FileFeature[],
  prefixes: readonly string[],
): EncoderNames {
  const first = observationEncoderTensor(names);
  const nets = [...names].filter(([name]) => name.startsWith(NETS));
  if (first !== undefined && nets.length === 0) {
    throw new UnsupportedCheckpointError(
      `${file.name}, tensor "${first}": of Diffusion Policy's observation encoders only those of its hybrid workspaces are supported, whose tensors ` +
        `begin with "${NETS}". Train with a train_diffusion_unet_hybrid_workspace, or with LeRobot.`,
    );
  }
  const found = [...new Set(nets.map(([name]) => keyOf(name)))];
  if (images.length !== prefixes.length) {
    throw new CheckpointError(
      `${file.name}: expected use_separate_rgb_encoder_per_camera true for ${images.length} images, found false in config.json. Diffusion Policy ` +
        'has an encoder for each camera.',
    );
  }
  const renamed = new Map<string, string>();
  const stored: string[] = [];
  images.forEach((image, camera) => {
    const key = keysOf(image).find((candidate) => found.includes(candidate));
    if (key === undefined) {
      throw new CheckpointError(
        `${file.name}: expected an image encoder for "${image.name}" under "${NETS}KEY." with KEY ${listed(keysOf(image))}, found ` +
          `${found.length === 0 ? 'none' : listed(found)}. Say in config.json what Diffusion Policy calls the image: "keys": ["KEY"] in its input feature.`,
      );
    }
    for (const [name, original] of nets) {
      const part = keyOf(name) === key ? lerobotPart(name.slice(NETS.length + key.length + 1)) : undefined;
      if (part === undefined) continue;
      const lerobot = `${prefixes[camera]}${part}`;
      if (!renamed.has(lerobot)) renamed.set(lerobot, original);
      stored.push(original);
    }
  });
  return { names: renamed, stored };
}

function keyOf(name: string): string {
  return name.slice(NETS.length, name.indexOf('.', NETS.length));
}

/** `backbone.nets.4.0.conv1.weight`, and what it is called inside of `nets`, as LeRobot has it; undefined for what it has not. */
function lerobotPart(name: string): string | undefined {
  const [, backbone] = /^(?:backbone|nets\.0)\.nets\.(.+)$/.exec(name) ?? [];
  if (backbone !== undefined) return `backbone.${backbone}`;
  const [, pool] = /^(?:pool|nets\.1)\.(nets\.(?:weight|bias)|pos_x|pos_y|temperature)$/.exec(name) ?? [];
  if (pool !== undefined) return `pool.${pool}`;
  const [, out] = /^nets\.3\.(weight|bias)$/.exec(name) ?? [];
  return out === undefined ? undefined : `out.${out}`;
}

/** The way back, for messages. */
export function diffusionPolicyEncoderName(images: readonly FileFeature[], prefixes: readonly string[], name: string): string {
  const camera = prefixes.findIndex((prefix) => name.startsWith(prefix));
  const image = images[camera];
  if (image === undefined) return name;
  const part = name
    .slice((prefixes[camera] as string).length)
    .replace(/^backbone\./, 'backbone.nets.')
    .replace(/^out\./, 'nets.3.');
  return `${NETS}${keysOf(image)[0]}.${part}`;
}
