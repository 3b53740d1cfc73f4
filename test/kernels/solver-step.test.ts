import { describe, expect, it } from 'vitest';
import type { SolverStep } from '../../src/diffusion/solver-step.js';
import { recordSolverStep } from '../../src/ops/sampling.js';
import { applySolverStep } from '../support/apply-solver-step.js';
import { useTestDevice } from '../support/device.js';
import { runOp } from '../support/run-op.js';
import { expectClose, Normals, type Values, valueAt, valuesOf } from '../support/values.js';

const TOLERANCE = { atol: 2e-6, rtol: 1e-6 };
/** Uniforms and noise rows are bound at multiples of 256 bytes. */
const STRIDE_WORDS = 64;

const device = useTestDevice();

const NOTHING: SolverStep = {
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

/** The uniform `Step`, in the order of its struct. */
function pack(steps: readonly SolverStep[], codes: readonly number[]): Float32Array {
  const words = new Float32Array(steps.length * STRIDE_WORDS);
  const codeWords = new Uint32Array(words.buffer);
  steps.forEach((step, i) => {
    words.set(
      [
        step.x0FromSample,
        step.x0FromOutput,
        step.epsFromSample,
        step.epsFromOutput,
        step.fromX0,
        step.fromEps,
        step.fromSample,
        step.fromPreviousX0,
        step.fromNoise,
        step.clip ?? 0,
      ],
      i * STRIDE_WORDS,
    );
    codeWords[i * STRIDE_WORDS + 10] = codes[i] as number;
  });
  return words;
}

interface Run {
  readonly steps: readonly SolverStep[];
  readonly sample: Values;
  readonly output: Values;
  readonly previousX0: Values;
  /** One row per step, as tokens. */
  readonly noise: readonly Values[];
  readonly codes?: readonly number[];
  /** Of every sample. */
  readonly status?: number;
}

async function run(p: Run): Promise<{ sample: Values; x0: Values; status: readonly number[] }> {
  const { steps, sample, output, previousX0, noise } = p;
  const { batch, channels, length } = sample;
  const elements = batch * channels * length;
  const rowWords = Math.ceil(elements / STRIDE_WORDS) * STRIDE_WORDS;
  const rows = new Float32Array(steps.length * rowWords);
  noise.forEach((row, i) => rows.set(tokenOrder(row), i * rowWords));
  const results = await runOp(
    device(),
    (op) => {
      const x = op.input(sample, 'tokens');
      const x0 = op.input(previousX0, 'tokens');
      const status = op.buffer('status', new Uint32Array(batch).fill(p.status ?? 0));
      recordSolverStep(op.builder, {
        steps: {
          buffer: op.buffer('steps', pack(steps, p.codes ?? steps.map(() => 1))),
          offset: 0,
          bytes: 0,
          stepOffset: op.builder.offset('coefficients'),
        },
        output: op.input(output, 'tokens'),
        noise: { buffer: op.buffer('noise', rows), offset: 0, bytes: elements * 4, stepOffset: op.builder.offset('noise') },
        sample: x,
        previousX0: x0.buffer,
        status,
      });
      op.read('sample', x);
      op.read('x0', x0);
      op.readWords('status', status);
    },
    { steps: steps.map((_, i) => ({ coefficients: i * STRIDE_WORDS * 4, noise: i * rowWords * 4 })) },
  );
  return { sample: results.values('sample'), x0: results.values('x0'), status: [...results.words('status')] };
}

function tokenOrder(values: Values): Float64Array {
  return valuesOf(values.batch, values.length, values.channels, (b, t, c) => valueAt(values, b, c, t)).data;
}

/** The steps in float64, one after the other. */
function reference({ steps, sample, output, previousX0, noise }: Run): { sample: Values; x0: Values } {
  let [x, x0] = [sample.data, previousX0.data];
  steps.forEach((step, i) => {
    const updates = Array.from(x, (value, e) =>
      applySolverStep(step, value, output.data[e] as number, x0[e] as number, noise[i]?.data[e] as number),
    );
    [x, x0] = [Float64Array.from(updates, (update) => update.x), Float64Array.from(updates, (update) => update.x0)];
  });
  return { sample: { ...sample, data: x }, x0: { ...sample, data: x0 } };
}

function inputs(seed: number, batch: number, channels: number, length: number, rows = 1): Omit<Run, 'steps'> {
  const normals = new Normals(seed);
  const values = (): Values => normals.values(batch, channels, length);
  return { sample: values(), output: values(), previousX0: values(), noise: Array.from({ length: rows }, values) };
}

const FIELDS = [
  'x0FromSample',
  'x0FromOutput',
  'epsFromSample',
  'epsFromOutput',
  'fromX0',
  'fromEps',
  'fromSample',
  'fromPreviousX0',
  'fromNoise',
] as const;

describe('solver step', () => {
  it.each([
    { batch: 1, length: 1, channels: 1 },
    { batch: 3, length: 7, channels: 5 },
    { batch: 2, length: 64, channels: 3 },
  ])('all terms at once: batch $batch, chunks of $length × $channels', async ({ batch, length, channels }) => {
    const normals = new Normals(1);
    const step: SolverStep = { ...NOTHING, ...Object.fromEntries(FIELDS.map((field) => [field, normals.next()])) };
    const p: Run = { steps: [step], ...inputs(2, batch, channels, length) };
    const actual = await run(p);
    const expected = reference(p);
    expectClose(actual.sample, expected.sample, TOLERANCE, 'sample');
    expectClose(actual.x0, expected.x0, TOLERANCE, 'x0');
    expect(actual.status.every((code) => code === 0)).toBe(true);
  });

  // Each term by itself: a coefficient that takes the place of another cannot hide in a sum.
  it.each(FIELDS)('coefficient %s alone', async (field) => {
    // Terms of x0 and eps show through the sample; terms of the sample need an x0 and an eps.
    const through = field.startsWith('x0') ? { fromX0: 1 } : field.startsWith('eps') ? { fromEps: 1 } : {};
    const step = { ...NOTHING, x0FromOutput: 1, epsFromSample: 1, ...through, [field]: 0.7 };
    const p: Run = { steps: [step], ...inputs(3, 2, 2, 3) };
    expectClose((await run(p)).sample, reference(p).sample, TOLERANCE, 'sample');
  });

  it('clamps x0 and only x0: eps comes from the unclamped output, and the stored x0 is the clamped one', async () => {
    const step = { ...NOTHING, clip: 0.8, x0FromSample: 1.5, x0FromOutput: -1, epsFromOutput: 3, fromX0: 0.9, fromEps: 0.4 };
    const p: Run = { steps: [step], ...inputs(4, 2, 3, 9) };
    const expected = reference(p);
    expect(Math.max(...expected.x0.data)).toBe(0.8);
    const actual = await run(p);
    expectClose(actual.sample, expected.sample, TOLERANCE, 'sample');
    expectClose(actual.x0, expected.x0, TOLERANCE, 'x0');
  });

  it('each replay takes its own coefficients and noise row, and the x0 of the step before it', async () => {
    const normals = new Normals(5);
    const steps = [0, 1, 2].map(
      (i): SolverStep => ({
        ...NOTHING,
        clip: i === 1 ? 0.5 : null,
        x0FromOutput: normals.next(),
        epsFromSample: normals.next(),
        fromX0: normals.next(),
        fromEps: normals.next(),
        fromPreviousX0: i === 0 ? 0 : normals.next(),
        fromNoise: normals.next(),
      }),
    );
    const p: Run = { steps, ...inputs(6, 2, 3, 7, 3) };
    const actual = await run(p);
    const expected = reference(p);
    expectClose(actual.sample, expected.sample, TOLERANCE, 'sample');
    expectClose(actual.x0, expected.x0, TOLERANCE, 'x0');
  });

  it('buffers of unused terms may hold NaN', async () => {
    const nothing = valuesOf(2, 3, 5, () => NaN);
    const p: Run = { steps: [{ ...NOTHING, x0FromOutput: 1, fromX0: 1 }], ...inputs(7, 2, 3, 5), previousX0: nothing, noise: [nothing] };
    const actual = await run(p);
    expectClose(actual.sample, p.output, { atol: 0, rtol: 0 }, 'sample');
    expect(actual.status.every((code) => code === 0)).toBe(true);
  });
});

describe('status of a solver step', () => {
  const base = inputs(8, 3, 2, 7);
  const clipped = { ...NOTHING, x0FromOutput: 1, fromX0: 1, clip: 1 };
  const spoil = (value: number): Values => valuesOf(3, 2, 7, (b, c, t) => (b === 2 && c === 1 && t === 6 ? value : 0.5));

  it.each([NaN, Infinity, -Infinity])(
    'an output of %s raises the word of its sample to the code of the step, whatever the clamp does',
    async (value) => {
      const { status } = await run({ ...base, steps: [clipped], output: spoil(value), codes: [7] });
      expect(status).toEqual([0, 0, 7]);
    },
  );

  it('large finite values do not', async () => {
    const { status } = await run({ ...base, steps: [clipped], output: spoil(3.4e38), codes: [7] });
    expect(status).toEqual([0, 0, 0]);
  });

  it('the largest code stays', async () => {
    expect((await run({ ...base, steps: [clipped], output: spoil(NaN), codes: [7], status: 9 })).status).toEqual([9, 9, 9]);
    const twice = { ...base, steps: [clipped, clipped], noise: [...base.noise, ...base.noise] };
    expect((await run({ ...twice, output: spoil(NaN), codes: [2, 1] })).status).toEqual([0, 0, 2]);
  });
});
