import { describe, expect, it } from 'vitest';
import { STEP_RESULTS } from '../../kernels/optimizer/step-result.wgsl.js';
import { type ParameterArena, RESULT_BYTES, recordStepResult, recordUpdate } from '../../src/ops/backward/optimizer.js';
import {
  recordAddRows,
  recordMeanSquaredError,
  recordMishBackward,
  recordMishForward,
  recordNoisySample,
} from '../../src/ops/backward/pointwise.js';
import { newRows } from '../../src/runtime/rows.js';
import { stepUniform } from '../../src/training/plan/step-scalars.js';
import type { UpdateScalars } from '../../src/training/training-step.js';
import { useTestDevice } from '../support/device.js';
import { mish } from '../support/reference.js';
import { adamReference, mishDerivative } from '../support/reference-gradients.js';
import { runOp } from '../support/run-op.js';
import { floatsOf, inputRows, outputRows, stepBuffer } from '../support/training-op.js';
import { expectClose, Normals, valueAt, valuesOf } from '../support/values.js';

const device = useTestDevice();
const TOLERANCE = { atol: 1e-6, rtol: 1e-6 };

describe('the pointwise kernels of training', () => {
  it('adds noise, and pads', async () => {
    const random = new Normals(1);
    const [batch, length, channels] = [3, 5, 6];
    const [action, noise] = [random.floats(batch * length * channels), random.floats(batch * length * channels)];
    const coefficients = Float32Array.from([1, 0, 0.6, 0.8, 0, 1]);
    const results = await runOp(device(), (op) => {
      const x = newRows(op.builder, 'x', batch, length, channels);
      op.readWords('x', x.buffer);
      const [a, n, c] = [op.buffer('action', action), op.buffer('noise', noise), op.buffer('coefficients', coefficients)];
      recordNoisySample(op.builder, { buffer: a }, { buffer: n }, { buffer: c }, x);
    });
    const found = floatsOf(results.words('x'));
    for (let i = 0; i < batch * length * 8; i++) {
      const [row, channel] = [Math.floor(i / 8), i % 8];
      const [a = 0, s = 0] = coefficients.subarray(2 * Math.floor(row / length));
      const at = row * channels + channel;
      const expected = channel < channels ? a * (action[at] as number) + s * (noise[at] as number) : 0;
      expect(found[i]).toBeCloseTo(expected, 5);
    }
  });

  it('Mish of two values side by side, and its gradient, from −∞ to where the closed form is NaN', async () => {
    const points = [-1e30, -100, -20, -17, -1, -0.3, 0, 0.3, 1, 20, 22.3, 90, 1e30];
    const first = valuesOf(2, points.length, 1, (b, c) => Math.fround(points[c] as number) * (b === 0 ? 1 : 0.5));
    const second = new Normals(2).values(2, 6, 1, 3);
    const dboth = new Normals(3).values(2, points.length + 6, 1);
    const results = await runOp(device(), (op) => {
      const { builder } = op;
      const rows = { first: inputRows(op, first), second: inputRows(op, second) };
      recordMishForward(builder, rows.first, rows.second, outputRows(op, 'both', 2, 1, points.length + 6));
      recordMishForward(builder, rows.first, undefined, outputRows(op, 'alone', 2, 1, points.length));
      recordMishBackward(
        builder,
        inputRows(op, dboth),
        { value: rows.first, gradient: outputRows(op, 'dfirst', 2, 1, points.length) },
        { value: rows.second, gradient: outputRows(op, 'dsecond', 2, 1, 6) },
      );
    });
    const joined = valuesOf(2, points.length + 6, 1, (b, c) =>
      c < points.length ? valueAt(first, b, c, 0) : valueAt(second, b, c - points.length, 0),
    );
    const relative = { atol: 2e-7, rtol: 2e-6 };
    expectClose(results.values('both'), { ...joined, data: joined.data.map((x) => (x < -1e4 ? 0 : mish(x))) }, relative, 'both');
    expectClose(results.values('alone'), { ...first, data: first.data.map((x) => (x < -1e4 ? 0 : mish(x))) }, relative, 'alone');
    const derivative = (x: number): number => (x < -100 ? 0 : mishDerivative(x));
    const gradient = (values: typeof first, offset: number) =>
      valuesOf(2, values.channels, 1, (b, c) => derivative(valueAt(values, b, c, 0)) * valueAt(dboth, b, c + offset, 0));
    expectClose(results.values('dfirst'), gradient(first, 0), { atol: 1e-9, rtol: 2e-6 }, 'dfirst');
    expectClose(results.values('dsecond'), gradient(second, points.length), { atol: 3e-7, rtol: 2e-6 }, 'dsecond');
  });

  it('the mean squared error counts the rows that count, and their gradient alone', async () => {
    const random = new Normals(4);
    const [batch, length, channels] = [3, 4, 3];
    const y = random.values(batch, channels, length);
    const target = random.floats(batch * length * channels);
    const counts = Float32Array.from([1, 1, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0]);
    const inverse = 1 / 18;
    const results = await runOp(device(), (op) => {
      const losses = op.builder.buffer('losses', batch * 4);
      op.readWords('losses', losses);
      recordMeanSquaredError(op.builder, {
        y: inputRows(op, y),
        target: { buffer: op.buffer('target', target) },
        counts: { buffer: op.buffer('counts', counts) },
        dy: outputRows(op, 'dy', batch, length, channels),
        losses,
        step: stepBuffer(op, { inverseCount: inverse }),
      });
    });
    const difference = (b: number, c: number, t: number): number =>
      (valueAt(y, b, c, t) - (target[(b * length + t) * channels + c] as number)) * (counts[b * length + t] as number);
    expectClose(
      results.values('dy'),
      valuesOf(batch, channels, length, (b, c, t) => 2 * inverse * difference(b, c, t)),
      TOLERANCE,
      'dy',
    );
    const squares = valuesOf(batch, channels, length, (b, c, t) => difference(b, c, t) ** 2);
    const perSample = Array.from({ length: batch }, (_, b) =>
      squares.data.subarray(b * 12, (b + 1) * 12).reduce((sum, value) => sum + value, 0),
    );
    floatsOf(results.words('losses')).forEach((loss, b) => expect(loss).toBeCloseTo(perSample[b] as number, 4));
  });

  it('adds two gradients', async () => {
    const [a, b] = [new Normals(5).values(2, 10, 3), new Normals(6).values(2, 10, 3)];
    const results = await runOp(device(), (op) =>
      recordAddRows(op.builder, inputRows(op, a), inputRows(op, b), outputRows(op, 'y', 2, 3, 10)),
    );
    const sum = { ...a, data: a.data.map((value, i) => Math.fround(value + (b.data[i] as number))) };
    expectClose(results.values('y'), sum, { atol: 0, rtol: 0 }, 'y');
  });
});

describe('the optimiser', () => {
  const UPDATE: UpdateScalars = {
    optimizer: 'adam',
    learningRate: 3e-3,
    beta1: 0.95,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.1,
    stepNumber: 3,
    clipNorm: 2,
    emaDecay: 0.7,
  };
  /** More than a block of squares, and more workgroups than one. */
  const COUNTS = [4 * 33_000, 64];

  interface Run {
    readonly result: Readonly<Record<string, number>>;
    readonly before: readonly Float32Array[][];
    readonly after: readonly Float32Array[][];
  }

  /** One update of two arenas: [weight, gradient, first, second, ema] of each. */
  async function update(scalars: UpdateScalars, change: (gradient: Float32Array) => void = () => {}): Promise<Run> {
    const random = new Normals(7);
    const before = COUNTS.map((count) => {
      const [weight, gradient, first] = [random.floats(count), random.floats(count, 0.02), random.floats(count, 0.02)];
      const second = random.floats(count, 0.02).map((value) => value * value);
      change(gradient);
      return [weight, gradient, first, second, random.floats(count)];
    });
    const names = ['weight', 'gradient', 'first', 'second', 'ema'];
    const results = await runOp(device(), (op) => {
      const { builder } = op;
      const arenas = before.map((copies, arena): ParameterArena => {
        const [weight, gradient, firstMoment, secondMoment, ema] = copies.map((copy, i) => {
          const buffer = op.buffer(`${names[i]} ${arena}`, copy);
          op.readWords(`${names[i]} ${arena}`, buffer);
          return buffer;
        }) as [
          ParameterArena['weight'],
          ParameterArena['weight'],
          ParameterArena['weight'],
          ParameterArena['weight'],
          ParameterArena['weight'],
        ];
        return { weight, gradient, firstMoment, secondMoment, ema };
      });
      const step = op.buffer('step', stepUniform(scalars, 0.25, false));
      const result = builder.buffer('result', RESULT_BYTES);
      op.readWords('result', result);
      const losses = op.buffer(
        'losses',
        Float32Array.from({ length: 70 }, (_, b) => b),
      );
      recordStepResult(builder, arenas, losses, 70, step, result);
      recordUpdate(builder, arenas, step, result, scalars.emaDecay !== null);
    });
    const found = floatsOf(results.words('result'));
    return {
      result: Object.fromEntries(STEP_RESULTS.map((name, i) => [name, found[i] as number])),
      before,
      after: COUNTS.map((_, arena) => names.map((name) => floatsOf(results.words(`${name} ${arena}`)))),
    };
  }

  function expectUpdate({ before, after }: Run, scalars: UpdateScalars, factor: number): void {
    before.forEach((copies, arena) => {
      const [weight, gradient, first, second, ema] = copies as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
      const [p, , m, v, average] = after[arena] as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
      const worst = { p: 0, m: 0, v: 0, ema: 0 };
      const note = (key: keyof typeof worst, difference: number, allowed: number): void => {
        worst[key] = Math.max(worst[key], Math.abs(difference) / allowed);
      };
      for (let i = 0; i < weight.length; i++) {
        const state = { p: weight[i]!, m: first[i]!, v: second[i]!, ema: ema[i]! };
        const expected = adamReference(state, gradient[i]! * factor, { ...scalars, emaDecay: scalars.emaDecay ?? 1 });
        note('p', p[i]! - expected.p, 3e-7 * Math.max(1, Math.abs(expected.p)));
        note('m', m[i]! - expected.m, 1e-8);
        note('v', v[i]! - expected.v, 1e-9);
        note('ema', average[i]! - expected.ema, 5e-7 * Math.max(1, Math.abs(state.ema)));
      }
      for (const [key, excess] of Object.entries(worst)) expect(excess, `${key}, in units of what is allowed`).toBeLessThan(1);
    });
  }

  const normOf = ({ before }: Run): number =>
    Math.sqrt(before.reduce((sum, copies) => sum + copies[1]!.reduce((total, value) => total + value * value, 0), 0));

  it.each(['adam', 'adamw'] as const)('%s with clipping and moving average', async (optimizer) => {
    const scalars = { ...UPDATE, optimizer };
    const run = await update(scalars);
    const norm = normOf(run);
    expect(run.result['loss']! / ((69 * 70) / 2 / 4)).toBeCloseTo(1, 6);
    expect(run.result['norm']! / norm).toBeCloseTo(1, 6);
    expect(norm).toBeGreaterThan(2);
    expect(run.result['factor']! / (2 / (norm + 1e-6))).toBeCloseTo(1, 6);
    expectUpdate(run, scalars, 2 / (norm + 1e-6));
  });

  it('without clipping, and without a moving average', async () => {
    const scalars = { ...UPDATE, clipNorm: null, emaDecay: null };
    const run = await update(scalars);
    expect(run.result['factor']).toBe(1);
    expectUpdate(run, scalars, 1);
    expect(run.after.map((copies) => copies[4])).toEqual(run.before.map((copies) => copies[4]));
  });

  it.each([
    ['NaN', NaN],
    ['infinity', Infinity],
    ['a gradient whose square is infinite', 1e30],
  ])('changes nothing where the norm is not finite: %s', async (_what, value) => {
    const run = await update(UPDATE, (gradient) => (gradient[5] = value));
    expect(Number.isFinite(run.result['norm'])).toBe(false);
    expect(run.result['proceed']).toBe(0);
    const isSame = (a: Float32Array, b: Float32Array): boolean =>
      Buffer.compare(Buffer.from(a.slice().buffer), Buffer.from(b.slice().buffer)) === 0;
    run.after.forEach((copies, arena) =>
      copies.forEach((copy, i) => expect(isSame(copy, run.before[arena]![i]!), `copy ${i} of arena ${arena}`).toBe(true)),
    );
  });
});
