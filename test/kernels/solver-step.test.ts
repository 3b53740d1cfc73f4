import { describe, expect, it } from 'vitest';
import { type SolverStep, usesThresholding } from '../../src/diffusion/solver-step.js';
import { useTestDevice } from '../support/device.js';
import { readTraces, type Trace, traceBound, traceSchedule } from '../support/scheduler-traces.js';
import {
  stepInputs as inputs,
  NOTHING,
  type StepsRun as Run,
  referenceSteps as reference,
  runSteps,
  type StepsResult,
} from '../support/solver-steps.js';
import { expectClose, Normals, type Values, valueAt, valuesOf } from '../support/values.js';

const TOLERANCE = { atol: 2e-6, rtol: 1e-6 };
const device = useTestDevice();
const run = (p: Run): Promise<StepsResult> => runSteps(device(), p);

const FIELDS = [
  'x0FromSample',
  'x0FromOutput',
  'epsFromSample',
  'epsFromOutput',
  'fromX0',
  'fromEps',
  'fromSample',
  'fromPreviousX0',
  'fromOlderX0',
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

  it.each([false, true])('of an output that comes in parts, with a bias per channel (thresholding: %s)', async (thresholding) => {
    const normals = new Normals(12);
    const [batch, channels, length] = [2, 3, 5];
    const values = (): Values => normals.values(batch, channels, length);
    const parts = [values(), values(), values()];
    const bias = normals.floats(channels);
    const output = valuesOf(batch, channels, length, (b, c, t) =>
      parts.reduce((sum, part) => sum + valueAt(part, b, c, t), bias[c] as number),
    );
    const step: SolverStep = { ...NOTHING, ...Object.fromEntries(FIELDS.map((field) => [field, normals.next()])) };
    const p: Run = { ...inputs(2, batch, channels, length), steps: [step], output, outputParts: { parts, bias }, thresholding };
    const expected = reference(p);
    const found = await run(p);
    expectClose(found.sample, expected.sample, TOLERANCE, 'sample');
    expectClose(found.x0, expected.x0, TOLERANCE, 'x0');
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

  it('each replay takes its own coefficients and noise row, and the x0 of the two steps before it', async () => {
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
        fromOlderX0: i < 2 ? 0 : normals.next(),
        fromNoise: normals.next(),
      }),
    );
    const p: Run = { steps, ...inputs(6, 2, 3, 7, 3) };
    const actual = await run(p);
    const expected = reference(p);
    expectClose(actual.sample, expected.sample, TOLERANCE, 'sample');
    expectClose(actual.x0, expected.x0, TOLERANCE, 'x0');
  });

  it('each row of a chunk takes its own coefficients and clamp, at every step', async () => {
    const normals = new Normals(21);
    const [batch, channels, length] = [2, 3, 7];
    const coefficients = (row: number): SolverStep => ({
      ...NOTHING,
      ...Object.fromEntries(FIELDS.map((field) => [field, normals.next()])),
      clip: row % 3 === 0 ? 0.6 : null,
    });
    const steps = [0, 1].map((): SolverStep => ({ ...NOTHING, slots: Array.from({ length }, (_, row) => coefficients(row)) }));
    const p: Run = { ...inputs(22, batch, channels, length, 2), steps };
    const rows = Array.from({ length }, (_, row) => reference({ ...p, steps: steps.map(({ slots }) => slots?.[row] as SolverStep) }));
    const actual = await run(p);
    for (const part of ['sample', 'x0'] as const) {
      const expected = valuesOf(batch, channels, length, (b, c, t) => valueAt((rows[t] as (typeof rows)[number])[part], b, c, t));
      expectClose(actual[part], expected, TOLERANCE, part);
    }
  });

  it('buffers of unused terms may hold NaN', async () => {
    const nothing = valuesOf(2, 3, 5, () => NaN);
    const p: Run = {
      steps: [{ ...NOTHING, x0FromOutput: 1, fromX0: 1 }],
      ...inputs(7, 2, 3, 5),
      previousX0: nothing,
      olderX0: nothing,
      noise: [nothing],
    };
    const actual = await run(p);
    expectClose(actual.sample, p.output, { atol: 0, rtol: 0 }, 'sample');
    expect(actual.status.every((code) => code === 0)).toBe(true);
  });
});

describe('dynamic thresholding', () => {
  const step: SolverStep = {
    ...NOTHING,
    x0FromSample: 1.5,
    x0FromOutput: -1,
    epsFromOutput: 0.7,
    epsFromSample: 0.2,
    fromX0: 0.9,
    fromEps: 0.4,
    fromSample: 0.3,
    fromPreviousX0: 0.1,
    fromOlderX0: -0.2,
    fromNoise: 0.5,
  };

  it.each([
    { batch: 1, length: 1, channels: 1 },
    { batch: 3, length: 7, channels: 5 },
    { batch: 2, length: 64, channels: 3 },
  ])('of batch $batch, chunks of $length × $channels, whatever the quantile', async ({ batch, length, channels }) => {
    for (const quantile of [0, 0.5, 0.9, 0.995, 1]) {
      for (const most of [0.8, 1, 1.5, 3]) {
        const p: Run = { steps: [{ ...step, clip: { quantile, most } }], ...inputs(9, batch, channels, length), thresholding: true };
        const [actual, expected] = [await run(p), reference(p)];
        expectClose(actual.x0, expected.x0, TOLERANCE, `x0 at quantile ${quantile} up to ${most}`);
        expectClose(actual.sample, expected.sample, TOLERANCE, `sample at quantile ${quantile} up to ${most}`);
        expect(actual.status.every((code) => code === 0)).toBe(true);
      }
    }
  });

  it('of equal values, zeros and signs', async () => {
    const values = [0, -2, 2, 2, -2, 1.5, 0, 2.5];
    const output = valuesOf(1, 1, 8, (_, __, t) => values[t] as number);
    for (const quantile of [0.1, 0.3, 0.6, 0.75, 0.9, 1]) {
      const clip = { quantile, most: 10 };
      const p: Run = { ...inputs(10, 1, 1, 8), output, steps: [{ ...NOTHING, clip, x0FromOutput: 1, fromX0: 1 }], thresholding: true };
      expectClose((await run(p)).sample, reference(p).sample, TOLERANCE, `quantile ${quantile}`);
    }
  });

  it('leaves steps that clamp, or do neither, as they are', async () => {
    for (const clip of [0.8, null]) {
      const p: Run = { steps: [{ ...step, clip }], ...inputs(11, 3, 2, 37) };
      const [plain, able] = [await run(p), await run({ ...p, thresholding: true })];
      expect(able.sample.data).toEqual(plain.sample.data);
      expect(able.x0.data).toEqual(plain.x0.data);
    }
  });

  it('follows from step to step, each with its own bound', async () => {
    const clips = [{ quantile: 0.9, most: 1.5 }, 0.6, { quantile: 0.5, most: 3 }];
    const p: Run = { steps: clips.map((clip) => ({ ...step, clip })), ...inputs(12, 2, 3, 11, 3), thresholding: true };
    const [actual, expected] = [await run(p), reference(p)];
    expectClose(actual.sample, expected.sample, { atol: 1e-5, rtol: 1e-5 }, 'sample');
  });

  it('of a value that is not finite raises the status of its sample', async () => {
    const output = valuesOf(2, 1, 9, (b, _, t) => (b === 1 && t === 4 ? NaN : 0.5));
    const p: Run = {
      ...inputs(13, 2, 1, 9),
      output,
      steps: [{ ...step, clip: { quantile: 0.9, most: 2 } }],
      codes: [3],
      thresholding: true,
    };
    expect((await run(p)).status).toEqual([0, 3]);
  });
});

// Every kind of schedule on the device: each step from the recorded sample before it.
describe('the recorded schedulers of diffusers', () => {
  const NAMES = [
    'ddim-v_prediction-2',
    'ddim-reclipped',
    'ddim-threshold-0.9-1.5',
    'ddim-zero-snr-v-trailing',
    'ddpm-fixed_large',
    'ddpm-threshold',
    'dpm-order3-8',
    'dpm-v_prediction-4',
    'dpm-threshold-4',
    'dpm-sde++-4',
    'dpm-karras-8',
  ];
  const traces = readTraces();

  it.each(NAMES)('%s', async (name) => {
    const trace = traces.find((other) => other.name === name) as Trace;
    const { steps } = traceSchedule(trace);
    const values = (flat: readonly number[]): Values => tokens(flat, trace.shape);
    const zeros = trace.x.map(() => 0);
    const past: Values[] = [values(zeros), values(zeros)];
    for (const [i, step] of steps.entries()) {
      const p: Run = {
        steps: [step],
        sample: values(i === 0 ? trace.x : (trace.expected.float64[i - 1] as readonly number[])),
        output: values(trace.model_output[i] as readonly number[]),
        noise: [values(trace.noise?.[i] ?? zeros)],
        previousX0: past[0] as Values,
        olderX0: past[1] as Values,
        thresholding: usesThresholding(step),
      };
      const expected = trace.expected.float64[i] as readonly number[];
      expectClose((await run(p)).sample, values(expected), { atol: traceBound(expected), rtol: 0 }, `step ${i}`);
      past.unshift(reference(p).x0);
    }
  });

  function tokens(flat: readonly number[], [batch, length, channels]: Trace['shape']): Values {
    return valuesOf(batch, channels, length, (b, c, t) => flat[(b * length + t) * channels + c] as number);
  }
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
