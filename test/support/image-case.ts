import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import type { WeightSource } from '../../src/ops/weight-source.js';
import type { Backbone, ImageEncoderShape } from '../../src/spec/network-shapes.js';
import { type FormulaFile, formulaBytes } from './formula-tensors.js';

const GOLDENS = new URL('../goldens/images/', import.meta.url);

/** Files of a case that are too large for the repository: WARMSTEP_GOLDENS, or a folder beside the repository. */
const SHARED = process.env['WARMSTEP_GOLDENS'] ?? fileURLToPath(new URL('../../../shared/goldens', import.meta.url));

/** A camera of a recorded case. */
export interface Camera {
  /** Tensor with its recorded frames, [sample][frame][channel][row][column] in bytes. */
  readonly input: string;
  readonly mean: Float32Array;
  readonly std: Float32Array;
}

/** What the encoder of a recorded case is and does. */
export interface ImageCase {
  readonly encoder: ImageEncoderShape;
  /** Names of each encoder's tensors begin with one of these. */
  readonly prefixes: readonly string[];
  readonly weights: WeightSource;
  readonly cameras: readonly Camera[];
  readonly frame: readonly [number, number];
  readonly resize: readonly [number, number] | undefined;
  readonly crop: readonly [number, number] | undefined;
  readonly recorded: SafetensorsFile;
  /** Where the pictures are: `recorded`, or a file of their own. */
  readonly inputs: (name: string) => Promise<Uint8Array>;
  /** Steps along channel, row and column of what was recorded of an activation. */
  readonly strides: (tensor: string) => readonly [number, number, number];
}

interface Config {
  readonly input_features: Readonly<Record<string, { readonly type: string; readonly shape: readonly number[] }>>;
  readonly vision_backbone: Backbone;
  readonly resize_shape?: readonly [number, number] | null;
  readonly crop_ratio?: number;
  readonly crop_shape: readonly [number, number] | null;
  readonly use_group_norm: boolean;
  readonly spatial_softmax_num_keypoints: number;
  readonly use_separate_rgb_encoder_per_camera: boolean;
}

function json<T>(path: URL | string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}

async function openFile(bytes: Uint8Array): Promise<SafetensorsFile> {
  return SafetensorsFile.open(await memorySource('a case', { file: bytes }).open('file'));
}

async function bytesOf(file: SafetensorsFile, name: string): Promise<Uint8Array> {
  return Uint8Array.from(await file.readFloats(name));
}

export function formulaFileOf(name: string, path: string): FormulaFile {
  return json(new URL(`${name}/${path}`, GOLDENS));
}

/** The weights of a case: made by the formula, tensor by tensor, or those of its file; undefined where that is not there. */
async function weightsOf(name: string): Promise<WeightSource | undefined> {
  if (existsSync(new URL(`${name}/policy/weights.json`, GOLDENS))) {
    const { seed, tensors } = formulaFileOf(name, 'policy/weights.json');
    const known = new Map(tensors.map((tensor) => [tensor.name, tensor]));
    return {
      readFloats: async (tensor) => {
        const found = known.get(tensor);
        if (!found) throw new Error(`${name} has no tensor ${tensor}`);
        const file = await openFile(oneTensor(found.dtype, found.shape, formulaBytes(found, seed)));
        return file.readFloats('x');
      },
      locate: (tensor) => `tensor "${tensor}" of ${name}`,
    };
  }
  const path = `${SHARED}/${name}/policy/model.safetensors`;
  if (!existsSync(path)) return undefined;
  const file = await openFile(new Uint8Array(readFileSync(path)));
  return { readFloats: (tensor) => file.readFloats(tensor), locate: (tensor) => `tensor "${tensor}" of ${path}` };
}

function oneTensor(dtype: string, shape: readonly number[], bytes: Uint8Array): Uint8Array {
  const text = JSON.stringify({ x: { dtype, shape, data_offsets: [0, bytes.length] } });
  const header = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8));
  const file = new Uint8Array(8 + header.length + bytes.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  file.set(bytes, 8 + header.length);
  return file;
}

/**
 * A recorded case of test/goldens/images as far as its encoder goes; undefined, and a line that says so, where its weights are not
 * there. A reader of its own, so that tests of the encoder do not fail with the reader of checkpoints.
 */
export async function imageCase(name: string): Promise<ImageCase | undefined> {
  const weights = await weightsOf(name);
  if (!weights) {
    console.info(`left out: ${name}. Its weights are not in ${SHARED}; WARMSTEP_GOLDENS names the folder of recorded cases.`);
    return undefined;
  }
  const config = json<Config>(new URL(`${name}/policy/config.json`, GOLDENS));
  const description = json<{ inputs?: string; activation_strides?: Record<string, [number, number, number]> }>(
    new URL(`${name}/case.json`, GOLDENS),
  );
  const { steps } = json<{ steps: { registry_name: string; config: { rename_map?: Record<string, string> }; state_file?: string }[] }>(
    new URL(`${name}/policy/policy_preprocessor.json`, GOLDENS),
  );
  const renamed = new Map(Object.entries(steps[0]?.config.rename_map ?? {}).map(([raw, inside]) => [inside, raw]));
  const statistics = steps.find(({ state_file }) => state_file)?.state_file as string;
  const stats = await openFile(new Uint8Array(readFileSync(new URL(`${name}/policy/${statistics}`, GOLDENS))));
  const visual = Object.entries(config.input_features).filter(([, { type }]) => type === 'VISUAL');
  const cameras: Camera[] = [];
  for (const [key] of visual) {
    cameras.push({
      input: `input.${renamed.get(key) ?? key}`,
      mean: (await stats.readFloats(`${key}.mean`)).slice(),
      std: (await stats.readFloats(`${key}.std`)).slice(),
    });
  }
  const [, height, width] = visual[0]?.[1].shape as [number, number, number];
  const resize = config.resize_shape ?? undefined;
  const ratio = config.crop_ratio ?? 1;
  // With a resize the crop follows from the ratio.
  const crop = resize
    ? ratio < 1
      ? ([Math.trunc(resize[0] * ratio), Math.trunc(resize[1] * ratio)] as const)
      : undefined
    : (config.crop_shape ?? undefined);
  const seen = crop ?? resize ?? [height, width];
  const separate = config.use_separate_rgb_encoder_per_camera;
  const prefix = 'diffusion.rgb_encoder.';
  const recorded = await openFile(new Uint8Array(readFileSync(new URL(`${name}/case.safetensors`, GOLDENS))));
  const generated = description.inputs === undefined ? undefined : formulaFileOf(name, description.inputs);
  return {
    encoder: {
      backbone: config.vision_backbone,
      norm: config.use_group_norm ? 'group' : 'batch',
      keypoints: config.spatial_softmax_num_keypoints,
      encoders: separate ? cameras.length : 1,
      height: seen[0],
      width: seen[1],
    },
    prefixes: separate ? cameras.map((_, camera) => `${prefix}${camera}.`) : [prefix],
    weights,
    cameras,
    frame: [height, width],
    resize,
    crop,
    recorded,
    inputs: async (tensor) => {
      const made = generated?.tensors.find((found) => found.name === tensor);
      return made && generated ? formulaBytes(made, generated.seed) : bytesOf(recorded, tensor);
    },
    strides: (tensor) => description.activation_strides?.[tensor] ?? [1, 1, 1],
  };
}
