import { type JsonObject, readJsonObject } from '../../checkpoints/json-object.js';
import { SafetensorsFile } from '../../checkpoints/safetensors/safetensors.js';
import type { CheckpointSource } from '../../checkpoints/source.js';
import { CheckpointError } from '../../foundation/errors.js';

/** Names of what lies beside a case with recorded losses. */
export const LOSSES_FILE = 'losses.json';
const DRAWS_FILE = 'losses.safetensors';
/** Where a case says what it is of: the network of a method, or a predictor. */
const CONFIG_FILES = ['network/config.json', 'predictor/config.json'] as const;

/** What kind of network a case is of. @throws CheckpointError. */
export async function networkType(source: CheckpointSource): Promise<string> {
  return (await readConfig(source)).string('type');
}

async function readConfig(source: CheckpointSource): Promise<JsonObject> {
  const [own, predictor] = CONFIG_FILES;
  const file = await source.open(own).catch(() => source.open(predictor));
  return readJsonObject(file);
}

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
    const config = await readConfig(source);
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

  /** A JSON file of the case, e.g. `prior/config.json`. */
  async json(file: string): Promise<JsonObject> {
    return readJsonObject(await this.#source.open(file));
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
