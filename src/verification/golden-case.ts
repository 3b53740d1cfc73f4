import { SafetensorsFile } from '../checkpoints/safetensors/safetensors.js';
import type { CheckpointSource } from '../checkpoints/source.js';
import { CheckpointError } from '../foundation/errors.js';
import type { StrategyOptions, WarmStartOptions } from '../strategies/strategy-options.js';

/** `case.json`: how the reference outputs were computed. */
export interface CaseDescription {
  readonly name?: string;
  readonly kind?: 'step';
  readonly scheduler?: string;
  readonly steps?: number;
  readonly budget?: number;
  readonly cold_start?: { readonly scheduler: string; readonly steps: number };
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
  readonly #file: SafetensorsFile;

  private constructor(name: string, description: CaseDescription, file: SafetensorsFile) {
    this.name = name;
    this.description = description;
    this.#file = file;
  }

  /** @throws CheckpointError where a file is missing or malformed. */
  static async open(source: CheckpointSource): Promise<GoldenCase> {
    const description = await readDescription(source);
    const file = await SafetensorsFile.open(await source.open('case.safetensors'));
    return new GoldenCase(description.name ?? source.name, description, file);
  }

  /** Names of the tensors that begin with a prefix, without it. */
  names(prefix: string): string[] {
    return [...this.#file.tensors.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  }

  has(name: string): boolean {
    return this.#file.tensors.has(name);
  }

  shape(name: string): readonly number[] {
    const tensor = this.#file.tensors.get(name);
    if (!tensor) throw new CheckpointError(`case "${this.name}": case.safetensors has no tensor "${name}".`);
    return tensor.shape;
  }

  /** A copy of a tensor's values. */
  async values(name: string): Promise<Float32Array> {
    this.shape(name);
    return (await this.#file.readFloats(name)).slice();
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

/** The strategy that a case was computed with; undefined: the checkpoint's own. */
export function caseStrategy(description: CaseDescription): StrategyOptions | undefined {
  const { scheduler, steps, budget, cold_start: cold, stall } = description;
  const count = steps === undefined ? {} : { steps };
  if (description.kind !== 'step') return scheduler === undefined ? undefined : { name: solver(scheduler), ...count };
  return {
    name: 'STEP',
    ...(budget === undefined ? {} : { budget }),
    warmStart: caseWarmStart(description.start),
    ...(cold ? { coldStart: { solver: solver(cold.scheduler), steps: cold.steps } } : {}),
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
