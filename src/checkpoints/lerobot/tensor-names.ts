import { CheckpointError, UnsupportedCheckpointError } from '../../foundation/errors.js';
import type { SafetensorsFile } from '../safetensors/safetensors.js';
import { listed } from '../source.js';

/** Name as the reference code knows it → name in the file. */
export type StoredNames = ReadonlyMap<string, string>;

/** What names of encoder tensors begin with, without LeRobot's `diffusion.`. */
export const ENCODER = 'rgb_encoder.';
const LEROBOT_UNET = 'diffusion.unet.';
const LEROBOT = 'diffusion.';
/** Tensors that a LeRobot model file may hold and inference never needs (lerobot-era leftovers, training only). */
const NEUTRAL = [
  /^ema_diffusion\./,
  /^normalize_targets\./,
  /^normalize_inputs\./,
  /^unnormalize_outputs\./,
  /^normalizer\./,
  /(^|\.)num_batches_tracked$/,
  /(^|\.)_dummy_variable$/,
];

/** What torch.compile puts into the names of a compiled module's tensors. */
const COMPILED = '_orig_mod';

function withoutCompiled(stored: string): string {
  return stored
    .split('.')
    .filter((part) => part !== COMPILED)
    .join('.');
}

/** Undoes torch.compile. */
export function storedNames(file: SafetensorsFile): StoredNames {
  const names = new Map<string, string>();
  for (const stored of file.tensors.keys()) {
    const name = stored.includes(COMPILED) ? withoutCompiled(stored) : stored;
    const other = names.get(name);
    if (other !== undefined) {
      throw new CheckpointError(
        `${file.name}: expected one tensor "${name}", found "${other}" and "${stored}". ` + 'Export the checkpoint again.',
      );
    }
    names.set(name, stored);
  }
  return names;
}

/** The prefix of U-Net tensors named as in the original Diffusion Policy code; undefined for other files. */
export function diffusionPolicyPrefix(names: StoredNames): string | undefined {
  return ['model.', ''].find((prefix) => names.has(`${prefix}down_modules.0.0.blocks.0.block.0.weight`));
}

/** What a LeRobot file calls a tensor of the U-Net. */
export function lerobotUnetName(name: string): string {
  return `${LEROBOT_UNET}${name}`;
}

/** What a LeRobot file calls a tensor of an image encoder. */
export function lerobotEncoderName(name: string): string {
  return LEROBOT + name;
}

/** U-Net tensors of a LeRobot file, without their prefix. */
export function lerobotUnetNames(names: StoredNames): StoredNames {
  return withoutPrefix(names, LEROBOT_UNET, LEROBOT_UNET);
}

/** Tensors of the image encoders of a LeRobot file, such as "rgb_encoder.backbone.0.weight". */
export function lerobotEncoderNames(names: StoredNames): StoredNames {
  return withoutPrefix(names, LEROBOT + ENCODER, LEROBOT);
}

function withoutPrefix(names: StoredNames, wanted: string, prefix: string): StoredNames {
  return new Map(
    [...names].flatMap(([name, stored]): [string, string][] => (name.startsWith(wanted) ? [[name.slice(prefix.length), stored]] : [])),
  );
}

/**
 * U-Net tensors of a Diffusion Policy file under LeRobot's names. The two networks compute the same; only the names of
 * the convolution blocks and of the resampling layers differ.
 */
export function diffusionPolicyUnetNames(file: SafetensorsFile, names: StoredNames, prefix: string): StoredNames {
  const renamed = new Map<string, string>();
  for (const [name, stored] of names) {
    if (/^(model\.)?local_cond_encoder\./.test(name)) {
      throw new UnsupportedCheckpointError(
        `${file.name}, tensor "${stored}": local conditioning is not supported. Use a policy with global conditioning.`,
      );
    }
    if (name.startsWith(prefix)) renamed.set(lerobotName(name.slice(prefix.length)), stored);
  }
  return renamed;
}

/** What LeRobot calls a tensor of a U-Net with the names of Diffusion Policy; its own names stay as they are. */
export function lerobotName(name: string): string {
  return name
    .replace(/\.blocks\.0\./, '.conv1.')
    .replace(/\.blocks\.1\./, '.conv2.')
    .replace(/^((?:down|up)_modules\.\d+\.2)\.conv\./, '$1.');
}

/** The way back: what a Diffusion Policy file with this prefix calls a tensor of the U-Net. */
export function diffusionPolicyName(prefix: string, name: string): string {
  const renamed = name
    .replace('.conv1.', '.blocks.0.')
    .replace('.conv2.', '.blocks.1.')
    .replace(/^((?:down|up)_modules\.\d+\.2)\./, '$1.conv.');
  return prefix + renamed;
}

/** One warning for all tensors that nothing reads, because a wrong export often shows there first. */
export function warnOfUnused(file: SafetensorsFile, names: StoredNames, used: ReadonlySet<string>, warnings: string[]): void {
  const unused = [...names].filter(([name, stored]) => !used.has(stored) && !NEUTRAL.some((rule) => rule.test(name)));
  if (unused.length > 0) {
    warnings.push(
      `${file.name}: ${unused.length} tensors are not used: ${listed(
        unused.map(([, stored]) => stored),
        3,
      )}.`,
    );
  }
}
