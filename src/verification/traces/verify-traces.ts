import { encodeSafetensors, type WritableTensor } from '../../checkpoints/safetensors/safetensors.js';
import type { CheckpointSource } from '../../checkpoints/source.js';
import { parseStrictJson } from '../../checkpoints/strict-json.js';
import type { Schedule } from '../../diffusion/solver-step.js';
import { CheckpointError, WarmstepError } from '../../foundation/errors.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { CaseReport } from '../case-report.js';
import { compareTensor, type TensorReport } from '../compare.js';
import { readTraces, type SchedulerTrace } from './read-traces.js';
import { TraceRunner } from './run-trace.js';
import { traceSchedule } from './trace-schedule.js';

/** Of max(1, largest expected value): what the float32 library itself stays within. */
const TOLERANCE = 1e-5;

/** A file of a few hundred runs. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * Runs every trace of a file (scheduler-traces.json) on the device, step by step, by the solver step of decisions: timesteps exactly, samples
 * and x̂0 against diffusers' in double. A trace whose configuration the solvers do not have is named in `leftOut`, and nothing of it is
 * compared. The dump holds `<trace>.timesteps`, `<trace>.float64` [steps][…shape] and, where it was recorded, `<trace>.x0_float64`.
 * @throws CheckpointError for what is no such file, and where none of its traces can be run.
 */
export async function verifyTraces(source: CheckpointSource, file: string, device: ComputeDevice): Promise<CaseReport> {
  const traces = await readFile(source, file);
  const runner = new TraceRunner(device);
  const tensors: TensorReport[] = [];
  const dump: WritableTensor[] = [];
  const leftOut: string[] = [];
  try {
    for (const trace of traces) {
      const schedule = scheduleOf(trace);
      if (typeof schedule === 'string') leftOut.push(`${trace.name}: ${schedule}`);
      else await runTrace(trace, schedule, runner, tensors, dump);
    }
  } finally {
    runner.dispose();
  }
  if (dump.length === 0) throw new CheckpointError(`${file}: none of its ${traces.length} traces can be run. The first: ${leftOut[0]}`);
  return {
    name: file.replace(/\.json$/, ''),
    precision: 'f32',
    tensors,
    pass: tensors.every(({ pass }) => pass),
    leftOut,
    dump: encodeSafetensors(dump),
  };
}

async function readFile(source: CheckpointSource, name: string): Promise<SchedulerTrace[]> {
  try {
    const file = await source.open(name);
    if (file.size > MOST_BYTES)
      throw new CheckpointError(`${file.name}: expected at most ${MOST_BYTES} bytes of traces, found ${file.size}.`);
    const bytes = new Uint8Array(file.size);
    await file.read(0, bytes);
    return readTraces(file.name, parseStrictJson(bytes, file.name));
  } finally {
    await source.close();
  }
}

/** The schedule, or why there is none. */
function scheduleOf(trace: SchedulerTrace): Schedule | string {
  try {
    return traceSchedule(trace);
  } catch (error) {
    if (error instanceof WarmstepError) return error.message;
    throw error;
  }
}

async function runTrace(
  trace: SchedulerTrace,
  schedule: Schedule,
  runner: TraceRunner,
  tensors: TensorReport[],
  dump: WritableTensor[],
): Promise<void> {
  const { name, shape } = trace;
  const timesteps = schedule.steps.map(({ timestep }) => timestep);
  tensors.push(compareTensor(`${name}.timesteps`, [trace.steps], trace.timesteps, timesteps, 0));
  dump.push({ name: `${name}.timesteps`, dtype: 'I64', shape: [timesteps.length], data: timesteps });
  // Outputs were recorded for as many steps: other steps have none.
  if (schedule.steps.length !== trace.steps) return;
  const found = await runner.run(trace, schedule);
  const perStep = [trace.steps, ...shape];
  const compare = (what: string, expected: readonly Float64Array[], values: readonly Float32Array[]): void => {
    const all = values.flatMap((row) => [...row]);
    tensors.push(worstStep(`${name}.${what}`, perStep, expected, values));
    dump.push({ name: `${name}.${what}`, dtype: 'F32', shape: perStep, data: all });
  };
  compare('float64', trace.samples, found.samples);
  if (trace.x0) compare('x0_float64', trace.x0, found.x0);
}

/** The step that differs most, each relative to max(1, its own largest value). */
function worstStep(
  name: string,
  shape: readonly number[],
  expected: readonly Float64Array[],
  found: readonly Float32Array[],
): TensorReport {
  const steps = expected.map((values, i) => {
    const report = compareTensor(name, shape, values, found[i] as Float32Array, TOLERANCE);
    const scale = Math.max(1, report.scale);
    return { ...report, scale, pass: report.error <= TOLERANCE * scale };
  });
  // NaN is worse than any number.
  const badness = ({ error, scale }: TensorReport): number => (Number.isNaN(error) ? Infinity : error / scale);
  return steps.reduce((worst, report) => (badness(report) > badness(worst) ? report : worst));
}
