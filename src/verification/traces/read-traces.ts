import { JsonObject } from '../../checkpoints/json-object.js';
import { CheckpointError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';

/** A run of a scheduler of diffusers without a network: what it was told, and the sample after every step. */
export interface SchedulerTrace {
  readonly name: string;
  readonly scheduler: 'DDIM' | 'DDPM' | 'DPMSOLVER';
  readonly steps: number;
  /** diffusers' own keys. */
  readonly config: JsonObject;
  /** [samples, …]; thresholding is per sample. */
  readonly shape: readonly [samples: number, length: number, channels: number];
  readonly timesteps: readonly number[];
  /** Noise-to-signal ratios of DPM-Solver, the final one last. */
  readonly sigmas: readonly number[] | undefined;
  /** The start, flattened. */
  readonly x: Float32Array;
  /** By step. */
  readonly outputs: readonly Float32Array[];
  /** By step, what it adds before scaling. */
  readonly noise: readonly Float32Array[] | undefined;
  readonly eta: number;
  readonly useClippedModelOutput: boolean;
  /** By step: the sample after it, and x̂0 after clamp or thresholding where that was recorded. In double, from float32 ā. */
  readonly samples: readonly Float64Array[];
  readonly x0: readonly Float64Array[] | undefined;
}

/** What a file of traces holds. @throws CheckpointError that names the trace and the key. */
export function readTraces(file: string, json: unknown): SchedulerTrace[] {
  const traces = new JsonObject(file, json).objects('traces').map((trace) => readTrace(file, trace));
  if (traces.length === 0) throw new CheckpointError(`${file}: expected at least one trace in "traces", found none.`);
  const names = traces.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new CheckpointError(`${file}: the trace "${twice}" is there twice: names are those of what is dumped.`);
  return traces;
}

/** Steps and values of a trace: more than any recorded one has, and little enough for any device. */
const MOST_STEPS = 1000;
const MOST_VALUES = 65_536;

function readTrace(file: string, found: JsonObject): SchedulerTrace {
  const name = found.string('name');
  const where = `${file}, trace "${name}"`;
  const json = new JsonObject(where, Object.fromEntries(found.entries()));
  const steps = json.integer('steps', { max: MOST_STEPS });
  const [samples, length, channels, ...more] = json.integers('shape', { max: MOST_VALUES });
  if (samples === undefined || length === undefined || channels === undefined || more.length > 0) {
    return json.fail('shape', '[samples, length, channels]');
  }
  const size = samples * length * channels;
  if (size > MOST_VALUES) json.fail('shape', `at most ${MOST_VALUES} values`);
  const timesteps = json.integers('timesteps', { min: 0 });
  if (timesteps.length !== steps) json.fail('timesteps', `${steps} timesteps, one for each step`);
  const perStep = (of: JsonObject, key: string): Float64Array[] => {
    const rows = of.value(key);
    if (!Array.isArray(rows) || rows.length < steps) return of.fail(key, `${steps} lists of numbers, one for each step`);
    return rows.slice(0, steps).map((row) => numbers(of, key, row, size));
  };
  const expected = json.object('expected');
  const isGiven = (key: string): boolean => !json.isNull(key);
  return {
    name,
    scheduler: readKind(json),
    steps,
    config: json.object('config'),
    shape: [samples, length, channels],
    timesteps,
    sigmas: isGiven('sigmas') ? [...numbers(json, 'sigmas', json.value('sigmas'), steps + 1)] : undefined,
    x: Float32Array.from(numbers(json, 'x', json.value('x'), size)),
    outputs: perStep(json, 'model_output').map((row) => Float32Array.from(row)),
    noise: isGiven('noise') ? perStep(json, 'noise').map((row) => Float32Array.from(row)) : undefined,
    eta: isGiven('eta') ? finite(json, 'eta') : 0,
    useClippedModelOutput: isGiven('use_clipped_model_output') && json.boolean('use_clipped_model_output', false),
    samples: perStep(expected, 'float64'),
    x0: expected.isNull('x0_float64') ? undefined : perStep(expected, 'x0_float64'),
  };
}

const SCHEDULERS = ['DDIM', 'DDPM', 'DPMSOLVER'] as const;

function readKind(json: JsonObject): (typeof SCHEDULERS)[number] {
  const found = SCHEDULERS.find((known) => known === json.value('scheduler'));
  return found ?? json.fail('scheduler', `one of ${SCHEDULERS.join(', ')}`);
}

function finite(json: JsonObject, key: string): number {
  const value = json.value(key);
  return typeof value === 'number' && Number.isFinite(value) ? value : json.fail(key, 'a number');
}

function numbers(json: JsonObject, key: string, values: unknown, size: number): Float64Array {
  if (!Array.isArray(values) || values.length !== size) {
    throw new CheckpointError(
      `${json.where}: "${key}" must have lists of ${size} numbers, found ${Array.isArray(values) ? `${values.length}` : shownValue(values)}.`,
    );
  }
  const wrong = values.findIndex((value) => typeof value !== 'number' || !Number.isFinite(value));
  if (wrong >= 0) throw new CheckpointError(`${json.where}: "${key}" must have numbers, found ${shownValue(values[wrong])} at ${wrong}.`);
  return Float64Array.from(values as number[]);
}
