import type { TensorInfo } from '../checkpoints/safetensors/header.js';
import { SafetensorsFile } from '../checkpoints/safetensors/safetensors.js';
import type { CheckpointSource } from '../checkpoints/source.js';
import { CheckpointError } from '../foundation/errors.js';
import type { RtiDpStrategyOptions, StrategyOptions, WarmStartOptions } from '../strategies/strategy-options.js';

/** Where generated inputs lie. */
const INPUTS = 'inputs.safetensors';

/** `case.json`: how the reference outputs were computed. */
export interface CaseDescription {
  readonly name?: string;
  /**
   * `step`, `cvae`, `bridger_cvae`: an episode of warm decisions, from a STEP predictor or a CVAE; `rti_dp`: one of RTI-DP; `train-…`: a training case, whose other
   * keys verification/training reads; a name in verification/methods/kinds: a method with a network of its own; undefined: cold decisions.
   */
  readonly kind?: string;
  /** Folder of the policy, relative to that of the case. Default `policy`. */
  readonly policy?: string;
  readonly scheduler?: string;
  readonly steps?: number;
  /** Of Consistency Policy. */
  readonly chaining?: unknown;
  /** Of RNR-DP. */
  readonly observe_every?: number;
  /** Of BRIDGER: how its sampler is read, and what its chunks start from. */
  readonly form?: unknown;
  readonly prior?: unknown;
  /** Of RTI-DP. */
  readonly timesteps?: readonly number[];
  readonly gripper?: RtiDpStrategyOptions['gripper'];
  readonly budget?: number;
  readonly cold_start?: { readonly scheduler: string; readonly steps: number };
  /** Of maps of the image encoder: they are recorded at every n-th channel, row and column. */
  readonly activation_strides?: Readonly<Record<string, readonly [number, number, number]>>;
  /** Name of the formula that recorded pictures are made from; they lie in `inputs.safetensors` then. */
  readonly inputs?: string;
  readonly start?: 'forward_noise' | { readonly sigma: number; readonly sigma_t: number };
  readonly stall?: {
    readonly eps: number;
    readonly sigma_scale: number;
    readonly sigma_stall: number;
    readonly norm: 'rms' | 'l2' | 'linf';
    readonly rows: 'executed' | 'all';
    readonly space: 'normalized' | 'raw';
  } | null;
}

/** Reference inputs and outputs beside a checkpoint (`case.json`, `case.safetensors`). */
export class GoldenCase {
  readonly name: string;
  readonly description: CaseDescription;
  /** Tensors by name, and the file that each is in. */
  readonly #tensors: ReadonlyMap<string, SafetensorsFile>;

  private constructor(name: string, description: CaseDescription, files: readonly SafetensorsFile[]) {
    this.name = name;
    this.description = description;
    this.#tensors = new Map(files.flatMap((file) => [...file.tensors.keys()].map((tensor) => [tensor, file] as const)));
  }

  /** @throws CheckpointError where a file is missing or malformed. */
  static async open(source: CheckpointSource): Promise<GoldenCase> {
    const description = await readDescription(source);
    const files = [await SafetensorsFile.open(await source.open('case.safetensors'))];
    if (description.inputs !== undefined) {
      if (!(await source.list()).includes(INPUTS)) {
        throw new CheckpointError(
          `${source.name}: the pictures of this case are made by a formula, expected them in "${INPUTS}", found no such file. Make it from ` +
            `"${description.inputs}" first.`,
        );
      }
      files.push(await SafetensorsFile.open(await source.open(INPUTS)));
    }
    return new GoldenCase(description.name ?? source.name, description, files);
  }

  /** Names of the tensors that begin with a prefix, without it. */
  names(prefix: string): string[] {
    return [...this.#tensors.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  shape(name: string): readonly number[] {
    return this.#find(name).info.shape;
  }

  /** Whether a tensor is of bytes, as pictures are. */
  isBytes(name: string): boolean {
    return this.#find(name).info.dtype === 'U8';
  }

  /** Whether a tensor is of integers. */
  isInteger(name: string): boolean {
    return this.#find(name).info.dtype === 'I64';
  }

  /** Whether a tensor was rounded when it was recorded. */
  isHalf(name: string): boolean {
    return this.#find(name).info.dtype === 'F16';
  }

  bytes(name: string): Promise<Uint8Array> {
    return this.#find(name).file.readBytes(name);
  }

  /** A copy of a tensor's values. */
  async values(name: string): Promise<Float32Array> {
    return (await this.#find(name).file.readFloats(name)).slice();
  }

  #find(name: string): { readonly file: SafetensorsFile; readonly info: TensorInfo } {
    const file = this.#tensors.get(name);
    const info = file?.tensors.get(name);
    if (!file || !info) throw new CheckpointError(`case "${this.name}": case.safetensors has no tensor "${name}".`);
    return { file, info };
  }
}

async function readDescription(source: CheckpointSource): Promise<CaseDescription> {
  const file = await source.open('case.json');
  const bytes = new Uint8Array(file.size);
  await file.read(0, bytes);
  try {
    const description: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof description === 'object' && description !== null) return description;
  } catch (error) {
    throw new CheckpointError(`${source.name}: case.json is not JSON: ${(error as Error).message}.`);
  }
  throw new CheckpointError(`${source.name}: case.json must be an object.`);
}

const SOLVERS: Readonly<Record<string, 'DDPM' | 'DDIM' | 'DPM-Solver++'>> = {
  DDPM: 'DDPM',
  DDIM: 'DDIM',
  DPMSOLVER: 'DPM-Solver++',
};

function solver(name: string): 'DDPM' | 'DDIM' | 'DPM-Solver++' {
  const found = SOLVERS[name];
  if (!found) throw new CheckpointError(`case.json: scheduler must be one of ${Object.keys(SOLVERS).join(', ')}, found "${name}".`);
  return found;
}

/** Kinds of episodes whose decisions start from predictions. */
const WARM_KINDS: readonly string[] = ['step', 'cvae', 'bridger_cvae'];

/** @throws CheckpointError for a kind that no case has: what is not known cannot be verified. */
export function checkKind({ kind }: CaseDescription): void {
  if (kind === undefined || WARM_KINDS.includes(kind)) return;
  throw new CheckpointError(
    `case.json: kind must be none, ${WARM_KINDS.join(', ')}, train-…, or one of a compared method, found "${kind}": is the case newer than this version?`,
  );
}

/** Whether a case has an episode whose decisions start from predictions. */
export function isWarm({ kind }: CaseDescription): boolean {
  return kind !== undefined;
}

/** How the cold decisions over recorded windows were computed; undefined: by the checkpoint's own scheduler. */
export function windowStrategy({ scheduler, steps }: CaseDescription): StrategyOptions | undefined {
  return scheduler === undefined ? undefined : { name: solver(scheduler), ...(steps === undefined ? {} : { steps }) };
}

/** The strategy of a case's episode; undefined: the checkpoint's own. */
export function caseStrategy(description: CaseDescription): StrategyOptions | undefined {
  const { budget, cold_start: cold, stall } = description;
  if (!isWarm(description)) return windowStrategy(description);
  return {
    name: 'STEP',
    ...(budget === undefined ? {} : { budget }),
    warmStart: caseWarmStart(description.start),
    ...(cold ? { coldStart: { solver: solver(cold.scheduler), steps: cold.steps } } : {}),
    // A CVAE needs no past: no decision was made without it.
    ...(description.kind === 'step' ? {} : { coldStart: { mode: 'zero-history' as const } }),
    ...(stall
      ? {
          stall: {
            eps: stall.eps,
            norm: stall.norm,
            rows: stall.rows,
            space: stall.space,
            sigmaScale: stall.sigma_scale,
            sigmaStall: stall.sigma_stall,
          },
        }
      : {}),
  };
}

function caseWarmStart(start: CaseDescription['start']): WarmStartOptions {
  if (start === undefined || start === 'forward_noise') return 'forward-noise';
  if (typeof start === 'object') return { mode: 'eq13', sigma: start.sigma, sigmaT: start.sigma_t };
  throw new CheckpointError(`case.json: start must be "forward_noise" or {sigma, sigma_t}, found ${JSON.stringify(start)}.`);
}
