import { type Dtype, encodeSafetensors, SafetensorsFile, type WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import { type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';
import { type Files, goldenFiles, jsonOf } from './folders.js';

/** Every tensor of a safetensors file as raw bytes, ready to be renamed, dropped or written again. */
export async function tensorsOf(files: Files, file: string): Promise<WritableTensor[]> {
  const bytes = files[file] as Uint8Array;
  const { tensors } = await SafetensorsFile.open(await memorySource('', files).open(file));
  return [...tensors.values()].map(({ name, dtype, shape, begin, end }) => ({
    name,
    dtype: dtype as Dtype,
    shape,
    data: bytes.subarray(begin, end),
  }));
}

export function f32(name: string, values: readonly number[]): WritableTensor {
  return { name, dtype: 'F32', shape: [values.length], data: values };
}

/** config.json as far as tests edit it; anything can be written into it, right or wrong. */
export interface ConfigJson {
  [key: string]: unknown;
  input_features: Record<string, { type?: string; shape: number[] }>;
  output_features: Record<string, { type?: string; shape: number[] }>;
  input_shapes: Record<string, number[]>;
  normalization_mapping: Record<string, string>;
}

export interface StepJson {
  registry_name?: string | null;
  class?: string;
  state_file?: string;
  config: {
    [key: string]: unknown;
    features: Record<string, { type: string; shape: number[] }>;
    norm_map: Record<string, string>;
    rename_map: Record<string, string>;
  };
}

/** A golden policy with some of its files changed, so that a test shows only what is different about its checkpoint. */
export class ChangedCheckpoint {
  readonly files: Files;

  constructor(golden: string) {
    this.files = goldenFiles(`${golden}/policy`);
  }

  config(edit: (config: ConfigJson) => void): this {
    const json = jsonOf(this.files, 'config.json') as ConfigJson;
    edit(json);
    this.files['config.json'] = JSON.stringify(json);
    return this;
  }

  /** Edits the steps of a pre- or post-processor file, or replaces them. */
  steps(file: string, edit: (steps: StepJson[]) => StepJson[] | void): this {
    const json = jsonOf(this.files, file) as { steps: StepJson[] };
    json.steps = edit(json.steps) ?? json.steps;
    this.files[file] = JSON.stringify(json);
    return this;
  }

  async tensors(edit: (tensors: WritableTensor[]) => WritableTensor[], file = 'model.safetensors'): Promise<this> {
    this.files[file] = encodeSafetensors(edit(await tensorsOf(this.files, file)));
    return this;
  }

  rename(from: string, to: string): this {
    this.files[to] = this.files[from]!;
    return this.remove(from);
  }

  remove(file: string): this {
    delete this.files[file];
    return this;
  }

  get source(): CheckpointSource {
    return memorySource('changed', this.files);
  }
}

export const PRE = 'policy_preprocessor.json';
export const POST = 'policy_postprocessor.json';
export const PRE_STATE = 'policy_preprocessor_step_3_normalizer_processor.safetensors';
export const POST_STATE = 'policy_postprocessor_step_0_unnormalizer_processor.safetensors';
