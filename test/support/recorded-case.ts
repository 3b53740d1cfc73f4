import { readFileSync } from 'node:fs';
import { alphasCumprod } from '../../src/diffusion/noise-schedule.js';
import type { CaseDescription } from '../../src/verification/golden-case.js';

// A small reader of its own, without checks: tests of the arithmetic should not fail with the checkpoint loader.

export type Tensors = ReadonlyMap<string, Float32Array | BigInt64Array>;

function fileOf(path: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(readFileSync(new URL(`../goldens/${path}`, import.meta.url)));
}

function readJson(path: string): unknown {
  return JSON.parse(new TextDecoder().decode(fileOf(path)));
}

/** The float32 and int64 tensors of a recorded case. */
export function readTensors(name: string): Tensors {
  const { buffer } = fileOf(`${name}/case.safetensors`);
  const headerLength = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, headerLength))) as Record<
    string,
    { dtype: string; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, Float32Array | BigInt64Array>();
  for (const [key, { dtype, data_offsets }] of Object.entries(header)) {
    if (key === '__metadata__') continue;
    const data = buffer.slice(8 + headerLength + data_offsets[0], 8 + headerLength + data_offsets[1]);
    if (dtype === 'F32') tensors.set(key, new Float32Array(data));
    if (dtype === 'I64') tensors.set(key, new BigInt64Array(data));
  }
  return tensors;
}

export function floats(tensors: Tensors, name: string): Float32Array {
  const tensor = tensors.get(name);
  if (!(tensor instanceof Float32Array)) throw new Error(`no float32 tensor ${name}`);
  return tensor;
}

export function integers(tensors: Tensors, name: string): number[] {
  const tensor = tensors.get(name);
  if (!(tensor instanceof BigInt64Array)) throw new Error(`no int64 tensor ${name}`);
  return [...tensor].map(Number);
}

interface PolicyConfig {
  readonly num_train_timesteps: number;
  readonly beta_schedule: 'squaredcos_cap_v2' | 'scaled_linear';
  readonly beta_start: number;
  readonly beta_end: number;
  readonly prediction_type: 'epsilon' | 'sample';
  readonly clip_sample: boolean;
  readonly clip_sample_range: number;
  readonly n_obs_steps: number;
  readonly n_action_steps: number;
}

export function readPolicyConfig(name: string): PolicyConfig {
  return readJson(`${name}/policy/config.json`) as PolicyConfig;
}

type StepCase = Required<Pick<CaseDescription, 'budget' | 'start' | 'stall'>> & { readonly decisions: number };

export function readStepCase(name: string): StepCase {
  return readJson(`${name}/case.json`) as StepCase;
}

/** The solver options that a checkpoint's config asks for, but for the number of steps. */
export function solverOptions(name: string) {
  const config = readPolicyConfig(name);
  return {
    alphasCumprod: alphasCumprod(
      {
        numTrainTimesteps: config.num_train_timesteps,
        betaSchedule: config.beta_schedule,
        betaStart: config.beta_start,
        betaEnd: config.beta_end,
      },
      'pytorch',
    ),
    predictionType: config.prediction_type,
    clip: config.clip_sample ? config.clip_sample_range : null,
  };
}

/** Largest difference as a share of the largest expected value. */
export function relativeError(found: ArrayLike<number>, expected: Float32Array): number {
  let error = 0;
  let scale = 0;
  expected.forEach((value, i) => {
    error = Math.max(error, Math.abs(value - (found[i] ?? NaN)));
    scale = Math.max(scale, Math.abs(value));
  });
  return error / scale;
}
