import type { NamedTensors } from '../../src/checkpoints/named-tensors.js';
import type { PolicyCheckpoint, PredictorCheckpoint } from '../../src/checkpoints/types.js';
import type { Normalizer, Unnormalizer } from '../../src/spec/policy-spec.js';
import type { Files } from './folders.js';

/**
 * What checkpoints mean, read a second time in the plainest way, without checks: for what the loader accepted. Whatever
 * differs from what the loader made of it is a wrong result.
 */

type Json = Record<string, unknown>;
/** A mode of normalisation, its pair of statistics, and how its range is used. */
interface Pair {
  readonly mode: string;
  readonly first: readonly number[];
  readonly second: readonly number[];
  readonly eps: number;
  readonly epsAdded: boolean;
}

const PAIRS: Readonly<Record<string, readonly [string, string]>> = {
  MIN_MAX: ['min', 'max'],
  MEAN_STD: ['mean', 'std'],
  QUANTILES: ['q01', 'q99'],
  QUANTILE10: ['q10', 'q90'],
};

export function plainJson(content: Uint8Array | string): Json {
  const text = (typeof content === 'string' ? content : new TextDecoder('utf-8', { ignoreBOM: true }).decode(content)).replace(
    /^\ufeff/,
    '',
  );
  try {
    return JSON.parse(text) as Json;
  } catch {
    // What Python writes and JSON does not have; none of it is in a key that is read.
    return JSON.parse(text.replaceAll(/(?<=[[:,]\s*)(?:NaN|-?Infinity)/g, 'null')) as Json;
  }
}

export interface PlainTensor {
  readonly shape: readonly number[];
  readonly values: () => number[];
}

/** The tensors of a safetensors file. */
export function plainTensors(bytes: Uint8Array): Map<string, PlainTensor> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, end))) as Record<string, Json>;
  const tensors = new Map<string, PlainTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: offsets } = entry as { dtype: string; shape: number[]; data_offsets: [number, number] };
    const count = shape.reduce((all, size) => all * size, 1);
    tensors.set(name, { shape, values: () => Array.from({ length: count }, (_, i) => element(view, dtype, end + offsets[0], i)) });
  }
  return tensors;
}

function element(view: DataView, dtype: string, start: number, i: number): number {
  switch (dtype) {
    case 'F64':
      return Math.fround(view.getFloat64(start + 8 * i, true));
    case 'F32':
      return view.getFloat32(start + 4 * i, true);
    case 'F16': {
      const code = view.getUint16(start + 2 * i, true);
      const [sign, exponent, fraction] = [code >> 15 ? -1 : 1, (code >> 10) & 31, code & 1023];
      return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
    }
    case 'BF16': {
      const word = new DataView(new ArrayBuffer(4));
      word.setUint32(0, view.getUint16(start + 2 * i, true) << 16);
      return word.getFloat32(0);
    }
    case 'I64':
      return Math.fround(Number(view.getBigInt64(start + 8 * i, true)));
    case 'I32':
      return Math.fround(view.getInt32(start + 4 * i, true));
    case 'U8':
      return view.getUint8(start + i);
    case 'BOOL':
      return view.getUint8(start + i) === 0 ? 0 : 1;
    default:
      throw new Error(`the loader read a tensor of ${dtype}`);
  }
}

/** Names without what torch.compile puts into them. */
function uncompiled(tensors: ReadonlyMap<string, PlainTensor>): Map<string, PlainTensor> {
  return new Map(
    [...tensors].map(([name, tensor]) => [
      name
        .split('.')
        .filter((part) => part !== '_orig_mod')
        .join('.'),
      tensor,
    ]),
  );
}

/** What is wrong about a policy that was loaded from these files; empty if nothing is. */
export async function policyDifferences(files: Files, policy: PolicyCheckpoint): Promise<string[]> {
  const found: string[] = [];
  const compare = (what: string, value: unknown, expected: unknown): void => {
    const [a, b] = [JSON.stringify(value), JSON.stringify(expected)];
    if (a !== b) found.push(`${what} is ${a}, not ${b}`);
  };
  const config = plainJson(files['config.json']!);
  const get = (key: string, fallback: unknown): unknown => (Object.hasOwn(config, key) ? config[key] : fallback);
  const isRecent = Object.hasOwn(config, 'gradient_checkpointing');
  const sizes = featureSizes(config);
  const observationSteps = get('n_obs_steps', 2) as number;
  const horizon = get('horizon', isRecent ? 64 : 16) as number;
  compare('unet', policy.unet, {
    actionDim: sizes['action'],
    horizon,
    downDims: get('down_dims', [512, 1024, 2048]),
    kernelSize: get('kernel_size', 5),
    groups: get('n_groups', 8),
    stepEmbedDim: get('diffusion_step_embed_dim', 128),
    conditioningDim: observationSteps * policy.observations.reduce((sum, { name }) => sum + sizes[name]!, 0),
    scaleModulation: get('use_film_scale_modulation', true),
  });
  compare('observation steps', policy.observationSteps, observationSteps);
  // The reference takes as many rows as there are.
  const actionSteps = get('n_action_steps', isRecent ? 32 : 8) as number;
  compare('action steps', policy.actionSteps, Math.min(actionSteps, horizon - observationSteps + 1));
  const trainTimesteps = get('num_train_timesteps', 100);
  const scheduler: Json = {
    type: get('noise_scheduler_type', 'DDPM'),
    numTrainTimesteps: trainTimesteps,
    betaSchedule: get('beta_schedule', 'squaredcos_cap_v2'),
    betaStart: get('beta_start', 1e-4),
    betaEnd: get('beta_end', 0.02),
    predictionType: get('prediction_type', 'epsilon'),
    clipSample: get('clip_sample', true),
    clipSampleRange: get('clip_sample_range', 1),
    numInferenceSteps: get('num_inference_steps', null) ?? trainTimesteps,
  };
  for (const [key, expected] of Object.entries(scheduler)) compare(key, (policy.scheduler as unknown as Json)[key], expected);
  const tensors = uncompiled(plainTensors(files['model.safetensors'] as Uint8Array));
  found.push(...(await weightDifferences(policy.weights, tensors, 'diffusion.unet.')));
  const has = (ending: string): boolean => Object.keys(files).some((name) => name.endsWith(ending));
  const isProcessed = has('preprocessor.json') || has('postprocessor.json');
  compare('dialect', policy.dialect, isProcessed ? 'C' : Object.hasOwn(config, 'input_features') ? 'B' : 'A');
  compare(
    'observations',
    policy.observations.map(({ name, size }) => [name, size]),
    ['observation.state', 'observation.environment_state'].filter((name) => Object.hasOwn(sizes, name)).map((name) => [name, sizes[name]]),
  );
  for (const { name, rawName, normalizer } of policy.observations) {
    const pair = isProcessed ? processorPair(files, name, rawName, found) : embeddedPair(config, tensors, 'normalize_inputs', name);
    found.push(...normalizerDifferences(name, normalizer, pair));
  }
  const pair = isProcessed ? actionPair(files) : embeddedPair(config, tensors, 'unnormalize_outputs', 'action');
  found.push(...unnormalizerDifferences(policy.action, pair));
  return found;
}

export async function predictorDifferences(files: Files, { config, weights }: PredictorCheckpoint): Promise<string[]> {
  const json = plainJson(files['config.json']!);
  const expected = {
    actionDim: json['action_dim'],
    observationDim: json['obs_dim'],
    horizon: json['horizon'],
    observationSteps: json['n_obs_steps'],
    historySteps: json['history_steps'],
    encoderLayers: json['n_encoder_layers'],
    modelDim: json['d_model'],
    heads: json['n_head'],
    decoderLayers: json['n_layers'],
    feedforwardDim: json['dim_feedforward'],
  };
  const wrong = JSON.stringify(config) === JSON.stringify(expected) ? [] : [`config is ${JSON.stringify(config)}`];
  return [...wrong, ...(await weightDifferences(weights, uncompiled(plainTensors(files['model.safetensors'] as Uint8Array)), ''))];
}

async function weightDifferences(weights: NamedTensors, tensors: ReadonlyMap<string, PlainTensor>, prefix: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const name of weights.names()) {
    const tensor = tensors.get(prefix + name);
    if (JSON.stringify(tensor?.shape) !== JSON.stringify(weights.shape(name))) wrong.push(`shape of ${name}`);
    // Some of the values will do: reading is the same for all.
    if (tensor && name.endsWith('bias') && !(await areEqual(weights, name, tensor.values()))) wrong.push(`values of ${name}`);
  }
  return wrong;
}

async function areEqual(weights: NamedTensors, name: string, expected: readonly number[]): Promise<boolean> {
  const values = await weights.readFloats(name);
  return values.length === expected.length && expected.every((value, i) => value === values[i]);
}

function featureSizes(config: Json): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const side of ['input', 'output']) {
    const features = config[`${side}_features`] as Record<string, { shape: number[] }> | undefined;
    const shapes = config[`${side}_shapes`] as Record<string, number[]> | undefined;
    const entries = Object.hasOwn(config, `${side}_features`)
      ? Object.entries(features ?? {}).map(([name, { shape }]) => [name, shape] as const)
      : Object.entries(shapes ?? {});
    const wanted = side === 'output' ? ['action'] : ['observation.state', 'observation.environment_state'];
    for (const [name, shape] of entries) if (wanted.includes(name)) sizes[name] = shape[0]!;
  }
  return sizes;
}

interface PlainStep {
  readonly name: string;
  readonly stateFile: string | undefined;
  readonly config: Json;
}

function stepsOf(files: Files, ending: string): PlainStep[] {
  const names = Object.keys(files).filter((name) => name.endsWith(ending));
  const file = names.includes(`policy_${ending}`) ? `policy_${ending}` : names[0]!;
  return (plainJson(files[file]!)['steps'] as Json[]).map((step) => ({
    name: (step['registry_name'] as string | null | undefined) ?? (step['class'] as string).split('.').at(-1)!,
    stateFile: step['state_file'] as string | undefined,
    config: (step['config'] as Json | undefined) ?? {},
  }));
}

const isNamed = (step: PlainStep, ...names: readonly string[]): boolean => names.includes(step.name);

/** Walks forward from the robot's name through the steps, as an observation does. */
function processorPair(files: Files, feature: string, rawName: string, found: string[]): Pair | undefined {
  let name = rawName;
  let pair: Pair | undefined;
  for (const step of stepsOf(files, 'preprocessor.json')) {
    if (isNamed(step, 'rename_observations_processor', 'RenameObservationsProcessorStep')) {
      const map = (step.config['rename_map'] ?? {}) as Record<string, string>;
      name = Object.hasOwn(map, name) ? map[name]! : name;
    }
    if (!isNamed(step, 'normalizer_processor', 'NormalizerProcessorStep')) continue;
    const only = step.config['normalize_observation_keys'] as string[] | null | undefined;
    const features = (step.config['features'] ?? {}) as Record<string, { type: string }>;
    if ((only ?? [name]).includes(name) && Object.hasOwn(features, name)) pair = statePair(files, step, name, features[name]!.type);
  }
  if (name !== feature) found.push(`"${rawName}" arrives as "${name}", not as "${feature}"`);
  return pair;
}

function actionPair(files: Files): Pair | undefined {
  const step = stepsOf(files, 'postprocessor.json').find((one) => isNamed(one, 'unnormalizer_processor', 'UnnormalizerProcessorStep'));
  return step && statePair(files, step, 'action', 'ACTION');
}

function statePair(files: Files, { config, stateFile }: PlainStep, name: string, type: string): Pair | undefined {
  const map = (config['norm_map'] ?? {}) as Record<string, string>;
  const mode = Object.hasOwn(map, type) ? map[type]!.toUpperCase() : 'IDENTITY';
  if (mode === 'IDENTITY') return undefined;
  const tensors = plainTensors(files[stateFile!] as Uint8Array);
  const [first, second] = PAIRS[mode]!.map((stat) => tensors.get(`${name}.${stat}`)!.values());
  const eps = Object.hasOwn(config, 'eps') ? (config['eps'] as number) : 1e-8;
  return { mode, first: first!, second: second!, eps, epsAdded: false };
}

function embeddedPair(config: Json, tensors: ReadonlyMap<string, PlainTensor>, group: string, feature: string): Pair | undefined {
  const stat = (name: string): PlainTensor | undefined => tensors.get(`${group}.buffer_${feature.replaceAll('.', '_')}.${name}`);
  const present = ['MIN_MAX', 'MEAN_STD'].filter((mode) => PAIRS[mode]!.some((name) => stat(name)));
  const mode = present.length === 1 ? present[0]! : configuredMode(config, feature);
  if (mode === 'IDENTITY') return undefined;
  const [first, second] = PAIRS[mode]!.map((name) => stat(name)!.values());
  return { mode, first: first!, second: second!, eps: 1e-8, epsAdded: true };
}

function configuredMode(config: Json, feature: string): string {
  const side = feature === 'action' ? 'output' : 'input';
  const types = config[`${side}_features`] as Record<string, { type: string }> | undefined;
  const mapping = (config['normalization_mapping'] ?? { STATE: 'MIN_MAX', ACTION: 'MIN_MAX' }) as Record<string, string>;
  const modes = (config[`${side}_normalization_modes`] ?? {}) as Record<string, string>;
  return ((types ? mapping[types[feature]!.type] : modes[feature]) ?? 'IDENTITY').toUpperCase();
}

const POINTS = [-1.5, 0.25, 3];

function isNear(value: number, expected: number): boolean {
  if (!Number.isFinite(expected)) return !Number.isFinite(value);
  return Math.abs(value - expected) <= 1e-5 * (1 + Math.abs(expected));
}

function normalizerDifferences(name: string, { subtract, divide, multiply, add }: Normalizer, pair: Pair | undefined): string[] {
  return POINTS.flatMap((x) =>
    Array.from(subtract).flatMap((offset, i) => {
      const value = ((x - offset) / divide[i]!) * multiply[i]! + add[i]!;
      const expected = pair ? normalized(x, pair, i) : x;
      return isNear(value, expected) ? [] : [`${name} ${i}: ${x} becomes ${value}, not ${expected}`];
    }),
  );
}

function normalized(x: number, { mode, first, second, eps, epsAdded }: Pair, i: number): number {
  if (mode === 'MEAN_STD') return (x - first[i]!) / (second[i]! + eps);
  const range = second[i]! - first[i]!;
  return (2 * (x - first[i]!)) / (epsAdded ? range + eps : range || eps) - 1;
}

function unnormalizerDifferences({ add, halve, multiply, shift }: Unnormalizer, pair: Pair | undefined): string[] {
  return POINTS.flatMap((y) =>
    Array.from(add).flatMap((offset, i) => {
      const value = (y + offset) * halve[i]! * multiply[i]! + shift[i]!;
      const expected = pair ? unnormalized(y, pair, i) : y;
      return isNear(value, expected) ? [] : [`action ${i}: ${y} becomes ${value}, not ${expected}`];
    }),
  );
}

function unnormalized(y: number, { mode, first, second, eps, epsAdded }: Pair, i: number): number {
  if (mode === 'MEAN_STD') return y * second[i]! + first[i]!;
  const range = second[i]! - first[i]!;
  return ((y + 1) / 2) * (epsAdded ? range : range || eps) + first[i]!;
}
