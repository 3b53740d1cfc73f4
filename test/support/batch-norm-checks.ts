import { BATCH_NORM_MOMENTUM, batchNormMode, recordBatchNormBackward, recordBatchNormForward } from '../../src/ops/backward/batch-norm.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { stepUniform } from '../../src/training/plan/step-scalars.js';
import { vector } from './reference-token-gradients.js';
import { rowsOf, rowsRead, rowValues } from './row-values.js';
import { runOp } from './run-op.js';
import { expectClose, Normals, type Values, zeros } from './values.js';

export interface BatchNormReference {
  readonly x: Values;
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  readonly residual: Values | undefined;
  readonly relu: boolean;
  /** Whether a picture counts. */
  readonly counts: (picture: number) => boolean;
  /** Mean and variance that take the place of the batch's, as constants. */
  readonly running: { readonly mean: Float32Array; readonly variance: Float32Array } | undefined;
}

/** torch.nn.BatchNorm2d with residual and ReLU in float64, its statistics (the variance is biased), and its gradients. */
export function batchNormGradient(
  { x, gamma, beta, residual, relu, counts, running }: BatchNormReference,
  dy: Values,
): {
  readonly y: Values;
  readonly dx: Values;
  readonly dz: Values;
  readonly dGamma: Float64Array;
  readonly dBeta: Float64Array;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  readonly values: number;
} {
  const { batch, channels, length } = x;
  const [y, dx, dz] = [zeros(batch, channels, length), zeros(batch, channels, length), zeros(batch, channels, length)];
  const [dGamma, dBeta, mean, variance] = Array.from({ length: 4 }, () => new Float64Array(channels)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const places = (c: number, b: number): number[] => Array.from({ length }, (_, t) => (b * channels + c) * length + t);
  const all = Array.from({ length: batch }, (_, b) => b);
  const values = all.filter(counts).length * length;
  for (let c = 0; c < channels; c++) {
    const counted = all.filter(counts).flatMap((b) => places(c, b));
    const average = (of: (i: number) => number): number => counted.reduce((sum, i) => sum + of(i), 0) / values;
    const own = average((i) => x.data[i] as number);
    mean[c] = own;
    variance[c] = average((i) => ((x.data[i] as number) - own) ** 2);
    const center = running ? (running.mean[c] as number) : own;
    const r = 1 / Math.sqrt((running ? (running.variance[c] as number) : (variance[c] as number)) + 1e-5);
    const normal = (i: number): number => ((x.data[i] as number) - center) * r;
    for (const i of all.flatMap((b) => places(c, b))) {
      const z = normal(i) * (gamma[c] as number) + (beta[c] as number) + (residual ? (residual.data[i] as number) : 0);
      y.data[i] = relu ? Math.max(z, 0) : z;
    }
    for (const i of counted) dz.data[i] = relu && (y.data[i] as number) <= 0 ? 0 : (dy.data[i] as number);
    dGamma[c] = values * average((i) => (dz.data[i] as number) * normal(i));
    dBeta[c] = values * average((i) => dz.data[i] as number);
    for (const i of counted) {
      const taken = running ? 0 : ((dBeta[c] as number) + normal(i) * (dGamma[c] as number)) / values;
      dx.data[i] = r * (gamma[c] as number) * ((dz.data[i] as number) - taken);
    }
  }
  return { y, dx, dz, dGamma, dBeta, mean, variance, values };
}

export interface BatchNormCase {
  /** Pictures of each of `cameras`, of which the first `counted` count. */
  readonly windows: number;
  readonly counted: number;
  readonly cameras: number;
  readonly channels: number;
  readonly length: number;
  readonly residual: boolean;
  readonly relu: boolean;
  readonly learns: boolean;
  /** Mean of x, in deviations. */
  readonly mean?: number;
}

const EXACT = { atol: 0, rtol: 0 };

/** A batch norm on a device against float64, forwards and backwards; pictures that do not count hold what no number may come from. */
export async function checkBatchNorm(device: ComputeDevice, p: BatchNormCase): Promise<void> {
  const { windows, counted, cameras, channels, length, learns, relu, mean = 0 } = p;
  const batch = windows * cameras;
  const normals = new Normals(channels + length);
  const counts = (picture: number): boolean => picture % windows < counted;
  const x = normals.values(batch, channels, length);
  const dy = normals.values(batch, channels, length);
  x.data.forEach((value, i) => {
    const picture = Math.floor(i / (channels * length));
    x.data[i] = Math.fround(counts(picture) ? value + mean : 1e4);
    if (!counts(picture)) dy.data[i] = NaN;
  });
  const residual = p.residual ? normals.values(batch, channels, length) : undefined;
  const [gamma, beta] = [normals.floats(channels), normals.floats(channels)];
  const before = {
    mean: normals.floats(channels).map((value) => Math.fround(value + mean)),
    variance: normals.floats(channels).map((value) => 0.5 + value * value),
  };
  const pair = (first: Float32Array, second: Float32Array): Float32Array => {
    const both = new Float32Array(2 * channels);
    both.set(first);
    both.set(second, channels);
    return both;
  };
  const results = await runOp(device, (op) => {
    const gradient = op.buffer('gradient', new Float32Array(2 * channels).fill(3));
    const running = op.buffer('running', pair(before.mean, before.variance));
    const affine = { weight: { buffer: op.buffer('affine', pair(gamma, beta)) }, gradient: { buffer: gradient }, channels, count: 2 };
    const tape = recordBatchNormForward(op.builder, 'test', {
      x: rowsOf(op, x),
      affine,
      running: { buffer: running },
      mode: op.buffer('mode', batchNormMode({ windows, counted, learns })),
      residual: residual && rowsOf(op, residual),
      relu,
      y: rowsRead(op, 'y', x),
    });
    recordBatchNormBackward(op.builder, tape, {
      dy: rowsOf(op, dy),
      dx: rowsRead(op, 'dx', x),
      dresidual: residual && rowsRead(op, 'dz', x),
      step: op.buffer('step', stepUniform(null, 1, true)),
    });
    op.readWords('gradient', gradient);
    op.readWords('running', running);
  });
  const expected = batchNormGradient({ x, gamma, beta, residual, relu, counts, running: learns ? undefined : before }, dy);
  // A mean of many deviations takes as many digits of x, which are none of the norm's.
  const close = { atol: 6e-6 * (1 + mean / 50), rtol: 6e-6 };
  const counting = (values: Values): Values => ({
    ...values,
    data: values.data.map((value, i) => (counts(Math.floor(i / (channels * length))) ? value : 0)),
  });
  expectClose(counting(rowValues(results, 'y', x)), counting(expected.y), close, 'y');
  expectClose(rowValues(results, 'dx', x), expected.dx, close, 'dx');
  if (residual) expectClose(rowValues(results, 'dz', x), expected.dz, EXACT, 'dz');
  const floats = (name: string): Float32Array => new Float32Array(results.words(name).buffer);
  const sums = { atol: 4e-5 * (1 + mean / 50), rtol: 4e-6 };
  // The step adds to what is there.
  const more = (values: Float64Array): Values => vector(values.map((value) => value + 3));
  expectClose(vector(floats('gradient').subarray(0, channels)), more(expected.dGamma), sums, 'dgamma');
  expectClose(vector(floats('gradient').subarray(channels)), more(expected.dBeta), sums, 'dbeta');
  const moved = (old: Float32Array, to: (c: number) => number): Values =>
    vector(Array.from(old, (value, c) => (learns ? value + BATCH_NORM_MOMENTUM * (to(c) - value) : value)));
  const kept = learns ? { atol: 1e-6, rtol: 1e-6 } : EXACT;
  const { values } = expected;
  expectClose(
    vector(floats('running').subarray(0, channels)),
    moved(before.mean, (c) => expected.mean[c] as number),
    kept,
    'running mean',
  );
  expectClose(
    vector(floats('running').subarray(channels)),
    moved(before.variance, (c) => ((expected.variance[c] as number) * values) / (values - 1)),
    kept,
    'running variance',
  );
}
