import { type JsonObject, readJsonObject } from '../../checkpoints/json-object.js';
import { SafetensorsFile } from '../../checkpoints/safetensors/safetensors.js';
import type { CheckpointSource } from '../../checkpoints/source.js';
import { CheckpointError } from '../../foundation/errors.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import { BETA_SCHEDULES, type NoiseScheduleOptions } from '../../spec/noise-schedule.js';

/** Names of what lies beside a case with recorded losses. */
export const LOSSES_FILE = 'losses.json';
const DRAWS_FILE = 'losses.safetensors';

/** Losses of a case: what was recorded, the batch with every draw, and the networks that take part. */
export class LossFiles {
  readonly name: string;
  /** `config.json` of the network. */
  readonly config: JsonObject;
  readonly #source: CheckpointSource;
  readonly #draws: SafetensorsFile;

  private constructor(source: CheckpointSource, config: JsonObject, draws: SafetensorsFile) {
    this.name = source.name;
    this.config = config;
    this.#source = source;
    this.#draws = draws;
  }

  /** `source`: the folder of the case. @throws CheckpointError where a file is missing or malformed. */
  static async open(source: CheckpointSource): Promise<LossFiles> {
    const config = await readJsonObject(await source.open('network/config.json'));
    return new LossFiles(source, config, await SafetensorsFile.open(await source.open(DRAWS_FILE)));
  }

  /** Samples of the batch. */
  get batchSize(): number {
    const name = this.has('global_cond') ? 'global_cond' : 'obs';
    return this.#shape(name)[0] as number;
  }

  has(name: string): boolean {
    return this.#draws.tensors.has(name);
  }

  async floats(name: string): Promise<Float32Array> {
    this.#shape(name);
    return (await this.#draws.readFloats(name)).slice();
  }

  async integers(name: string): Promise<Int32Array> {
    this.#shape(name);
    return Int32Array.from(await this.#draws.readIntegers(name));
  }

  /** The conditioning vectors: recorded as such, or all frames one after the other. */
  conditioning(): Promise<Float32Array> {
    return this.floats(this.has('global_cond') ? 'global_cond' : 'obs');
  }

  /** All tensors of a model file of the case, e.g. `train/teacher.safetensors`. */
  async weights(file: string): Promise<ReadonlyMap<string, Float32Array>> {
    const model = await SafetensorsFile.open(await this.#source.open(file));
    const tensors = new Map<string, Float32Array>();
    for (const name of model.tensors.keys()) tensors.set(name, (await model.readFloats(name)).slice());
    return tensors;
  }

  #shape(name: string): readonly number[] {
    const info = this.#draws.tensors.get(name);
    if (!info) throw new CheckpointError(`case "${this.name}": ${DRAWS_FILE} has no tensor "${name}". Record the case again.`);
    return info.shape;
  }
}

/** Sizes of the network of a method's folder. */
export function unetShapeOf(config: JsonObject): UnetShape {
  return {
    actionDim: config.integer('action_dim', {}),
    horizon: config.integer('horizon', {}),
    downDims: config.integers('down_dims', {}),
    kernelSize: config.integer('kernel_size', { max: 255 }),
    groups: config.integer('n_groups', {}),
    stepEmbedDim: config.integer('diffusion_step_embed_dim', {}),
    conditioningDim: config.integer('obs_dim', {}) * config.integer('n_obs_steps', {}),
    scaleModulation: config.boolean('use_film_scale_modulation', true),
  };
}

/** Its noise schedule. */
export function noiseScheduleOf(config: JsonObject): NoiseScheduleOptions {
  return {
    numTrainTimesteps: config.integer('num_train_timesteps', {}),
    betaSchedule: config.choice('beta_schedule', BETA_SCHEDULES, 'squaredcos_cap_v2'),
    betaStart: config.number('beta_start', { fallback: 1e-4, above: 0, below: 1 }),
    betaEnd: config.number('beta_end', { fallback: 0.02, above: 0, below: 1 }),
  };
}
