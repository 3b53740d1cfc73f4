import { writeSolverStep } from '../../src/decision/solver-step-uniform.js';
import type { SolverStep } from '../../src/diffusion/solver-step.js';
import { recordSolverStep } from '../../src/ops/sampling.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { applyToSample } from './apply-solver-step.js';
import { runOp } from './run-op.js';
import { Normals, type Values, valueAt, valuesOf } from './values.js';

/** Uniforms and noise rows are bound at multiples of 256 bytes. */
const STRIDE_WORDS = 64;

export const NOTHING: SolverStep = {
  timestep: 0,
  clip: null,
  x0FromSample: 0,
  x0FromOutput: 0,
  epsFromSample: 0,
  epsFromOutput: 0,
  fromX0: 0,
  fromEps: 0,
  fromSample: 0,
  fromPreviousX0: 0,
  fromNoise: 0,
};

/** Words of a uniform, in an array of them. */
const STEP_WORDS = 16;

/** The uniforms of all steps, `stride` words apart; of steps with slots, one for each row. */
function pack(steps: readonly SolverStep[], codes: readonly number[], stride: number): Float32Array {
  const words = new Float32Array(steps.length * stride);
  const view = new DataView(words.buffer);
  steps.forEach((step, i) =>
    (step.slots ?? [step]).forEach((one, row) => writeSolverStep(view, (i * stride + row * STEP_WORDS) * 4, one, codes[i] as number)),
  );
  return words;
}

/** Steps on a device, or in float64. */
export interface StepsRun {
  readonly steps: readonly SolverStep[];
  readonly sample: Values;
  readonly output: Values;
  /** The output in parts, as tokens, and a bias per channel, which add up to it. */
  readonly outputParts?: { readonly parts: readonly Values[]; readonly bias: Float32Array };
  readonly previousX0: Values;
  /** Default: the previous one. */
  readonly olderX0?: Values;
  /** Whether the kernel is the one that can threshold. */
  readonly thresholding?: boolean;
  /** One row per step, as tokens. */
  readonly noise: readonly Values[];
  readonly codes?: readonly number[];
  /** Of every sample. */
  readonly status?: number;
}

export interface StepsResult {
  readonly sample: Values;
  readonly x0: Values;
  /** Of every sample. */
  readonly status: readonly number[];
}

/** The steps on a device, one after the other. */
export async function runSteps(device: ComputeDevice, p: StepsRun): Promise<StepsResult> {
  const { steps, sample, output, previousX0, olderX0 = previousX0, noise, thresholding = false } = p;
  const { batch, channels, length } = sample;
  const elements = batch * channels * length;
  const slotRows = steps[0]?.slots?.length ?? 1;
  const stepWords = Math.ceil((slotRows * STEP_WORDS) / STRIDE_WORDS) * STRIDE_WORDS;
  const rowWords = Math.ceil(elements / STRIDE_WORDS) * STRIDE_WORDS;
  const rows = new Float32Array(steps.length * rowWords);
  noise.forEach((row, i) => rows.set(tokenOrder(row), i * rowWords));
  const past = new Float32Array(2 * elements);
  tokenOrder(previousX0).forEach((value, i) => (past[2 * i] = value));
  tokenOrder(olderX0).forEach((value, i) => (past[2 * i + 1] = value));
  const results = await runOp(
    device,
    async (op) => {
      const x = op.input(sample, 'tokens');
      const whole = op.input(output, 'tokens');
      const { parts = [], bias = new Float32Array(channels) } = p.outputParts ?? { parts: [sample] };
      const sums = {
        buffer: op.buffer('output sums', Float32Array.from(parts.flatMap((part) => [...tokenOrder(part)]))),
        ...{ splits: parts.length, batch, channels, length, tokens: true },
      };
      const inParts = { sums, bias: await op.loader({}).uploader.uploadFloats('output bias', bias), whole };
      const pastX0 = op.buffer('x0', past);
      const status = op.buffer('status', new Uint32Array(batch).fill(p.status ?? 0));
      recordSolverStep(op.builder, {
        steps: {
          buffer: op.buffer('steps', pack(steps, p.codes ?? steps.map(() => 1), stepWords)),
          offset: 0,
          bytes: 0,
          stepOffset: op.builder.offset('coefficients'),
        },
        output: p.outputParts ? inParts : whole,
        noise: { buffer: op.buffer('noise', rows), offset: 0, bytes: elements * 4, stepOffset: op.builder.offset('noise') },
        sample: x,
        pastX0,
        status,
        thresholding,
        slotRows,
      });
      op.read('sample', x);
      op.readWords('x0', pastX0);
      op.readWords('status', status);
    },
    { steps: steps.map((_, i) => ({ coefficients: i * stepWords * 4, noise: i * rowWords * 4 })) },
  );
  const pairs = new Float32Array(results.words('x0').slice().buffer);
  const x0 = valuesOf(batch, channels, length, (b, c, t) => pairs[2 * ((b * length + t) * channels + c)] as number);
  return { sample: results.values('sample'), x0, status: [...results.words('status')] };
}

function tokenOrder(values: Values): Float64Array {
  return valuesOf(values.batch, values.length, values.channels, (b, t, c) => valueAt(values, b, c, t)).data;
}

/** The steps in float64, one after the other, sample by sample. */
export function referenceSteps({ steps, sample, output, previousX0, olderX0 = previousX0, noise }: StepsRun): Omit<StepsResult, 'status'> {
  const size = sample.channels * sample.length;
  const [samples, x0s]: [number[], number[]] = [[], []];
  for (let b = 0; b < sample.batch; b++) {
    const own = (values: Values | undefined): Float64Array | undefined => values?.data.slice(b * size, (b + 1) * size);
    let x = own(sample) as Float64Array;
    let [previous, older] = [own(previousX0), own(olderX0)];
    steps.forEach((step, i) => {
      const inputs = { x, output: own(output) as Float64Array, noise: own(noise[i]), previousX0: previous, olderX0: older };
      const result = applyToSample(step, inputs);
      [x, previous, older] = [result.x, result.x0, previous];
    });
    samples.push(...x);
    x0s.push(...(previous as Float64Array));
  }
  return { sample: { ...sample, data: Float64Array.from(samples) }, x0: { ...sample, data: Float64Array.from(x0s) } };
}

/** Random values, with a noise row for each of `rows` steps. */
export function stepInputs(
  seed: number,
  batch: number,
  channels: number,
  length: number,
  rows = 1,
): Omit<StepsRun, 'steps' | 'olderX0'> & { olderX0: Values } {
  const normals = new Normals(seed);
  const values = (): Values => normals.values(batch, channels, length);
  return { sample: values(), output: values(), previousX0: values(), olderX0: values(), noise: Array.from({ length: rows }, values) };
}
