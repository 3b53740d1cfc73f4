import { describe, expect, it } from 'vitest';
import { recordCombine } from '../../../src/ops/backward/combine-rows.js';
import { newHeads, recordGaussianLoss, recordGaussianStart } from '../../../src/ops/backward/gaussian-rows.js';
import { recordRowLoss } from '../../../src/ops/backward/row-loss.js';
import { newRows, type Rows, rowSamples } from '../../../src/runtime/rows.js';
import { useTestDevice } from '../../support/device.js';
import { type OpRecorder, runOp } from '../../support/run-op.js';
import { floatsOf, inputRows, outputRows, stepBuffer } from '../../support/training-op.js';
import { expectClose, Normals, type Values, valueAt, valuesOf } from '../../support/values.js';

const device = useTestDevice();
const TOLERANCE = { atol: 1e-6, rtol: 1e-5 };
const [BATCH, LENGTH, CHANNELS] = [3, 5, 6];
const COUNT = BATCH * LENGTH * CHANNELS;
const chunks = (seed: number, scale?: number): Values => new Normals(seed).values(BATCH, CHANNELS, LENGTH, scale);
const INVERSE = 0.25;

/** Losses that are read back; those that no op writes are NaN. */
function losses(op: OpRecorder, count: number): ReturnType<OpRecorder['buffer']> {
  const buffer = op.buffer('losses', new Float32Array(count).fill(NaN));
  op.readWords('losses', buffer);
  return buffer;
}

describe('combinations of rows', () => {
  it.each([1, 2, 3, 4])('of %i operands, with coefficients of samples and of rows', async (count) => {
    const operands = Array.from({ length: count }, (_, i) => chunks(10 + i));
    const random = new Normals(9);
    const [ofSamples, ofRows] = [random.floats(BATCH * count), random.floats(BATCH * LENGTH * count)];
    const results = await runOp(device(), (op) => {
      const rows = operands.map((values) => inputRows(op, values));
      const call = (name: string, coefficients: Float32Array, perRow: boolean): void => {
        const y = outputRows(op, name, BATCH, LENGTH, CHANNELS);
        recordCombine(op.builder, { operands: rows, coefficients: { buffer: op.buffer(name, coefficients) }, perRow, y });
      };
      call('samples', ofSamples, false);
      call('rows', ofRows, true);
    });
    const expected = (of: (b: number, t: number, i: number) => number): Values =>
      valuesOf(BATCH, CHANNELS, LENGTH, (b, c, t) => operands.reduce((sum, values, i) => sum + of(b, t, i) * valueAt(values, b, c, t), 0));
    expectClose(
      results.values('samples'),
      expected((b, _t, i) => ofSamples[b * count + i] as number),
      TOLERANCE,
      'samples',
    );
    expectClose(
      results.values('rows'),
      expected((b, t, i) => ofRows[(b * LENGTH + t) * count + i] as number),
      TOLERANCE,
      'rows',
    );
  });

  it('of some samples of larger rows, and into them', async () => {
    const [x, before] = [chunks(1), chunks(2)];
    const results = await runOp(device(), (op) => {
      const [from, into] = [inputRows(op, x), inputRows(op, before)];
      op.readWords('into', into.buffer);
      const coefficients = { buffer: op.buffer('c', Float32Array.of(2, 3)) };
      recordCombine(op.builder, { operands: [rowSamples(from, 1, 2)], coefficients, y: rowSamples(into, 0, 2) });
    });
    const found = floatsOf(results.words('into'));
    for (let row = 0; row < BATCH * LENGTH; row++) {
      const [b, t] = [Math.floor(row / LENGTH), row % LENGTH];
      const expected = b < 2 ? (b + 2) * valueAt(x, b + 1, 3, t) : valueAt(before, b, 3, t);
      expect(found[row * 8 + 3]).toBeCloseTo(expected, 5);
    }
  });
});

describe('losses of rows', () => {
  const delta = 0.05;
  const kinds = {
    square: [(e: number) => e * e, (e: number) => 2 * e],
    huber: [(e: number) => Math.sqrt(e ** 4 + delta ** 2) - delta, (e: number) => (2 * e ** 3) / Math.sqrt(e ** 4 + delta ** 2)],
  } as const;

  it.each(['square', 'huber', 'product'] as const)('%s, weighted by rows', async (kind) => {
    // Large and small differences: (y − t)⁴ beside δ² is where a difference of roots would lose its digits.
    const [y, target] = [chunks(3), chunks(4)];
    y.data.forEach((_, i) => (y.data[i] = Math.fround((y.data[i] as number) * (i % 3 === 0 ? 1e-2 : 3))));
    target.data.forEach((_, i) => (target.data[i] = i % 3 === 0 ? Math.fround((y.data[i] as number) + 1e-2) : (target.data[i] as number)));
    const weights = Float32Array.from({ length: BATCH * LENGTH }, (_, i) => (i % 4) / 2);
    const results = await runOp(device(), (op) => {
      const dy = outputRows(op, 'dy', BATCH, LENGTH, CHANNELS);
      const step = stepBuffer(op, { inverseCount: INVERSE });
      const [rows, expected] = [inputRows(op, y), inputRows(op, target)];
      const call = { kind, delta, y: rows, target: expected, weights: { buffer: op.buffer('weights', weights) }, dy, step };
      recordRowLoss(op.builder, { ...call, losses: losses(op, BATCH + 2), firstLoss: 2 });
    });
    const terms = (b: number, c: number, t: number): readonly [number, number] => {
      const [value, wanted, weight] = [valueAt(y, b, c, t), valueAt(target, b, c, t), weights[b * LENGTH + t] as number];
      if (kind === 'product') return [weight * value * wanted, weight * wanted];
      const [loss, slope] = kinds[kind];
      return [weight * loss(value - wanted), weight * slope(value - wanted)];
    };
    expectClose(
      results.values('dy'),
      valuesOf(BATCH, CHANNELS, LENGTH, (b, c, t) => INVERSE * terms(b, c, t)[1]),
      TOLERANCE,
      'dy',
    );
    const found = floatsOf(results.words('losses'));
    expect([found[0], found[1]]).toEqual([NaN, NaN]);
    for (let b = 0; b < BATCH; b++) {
      let sum = 0;
      for (let t = 0; t < LENGTH; t++) for (let c = 0; c < CHANNELS; c++) sum += terms(b, c, t)[0];
      expect((found[2 + b] as number) / sum).toBeCloseTo(1, 4);
    }
  });
});

describe('a start drawn around two heads', () => {
  it('and the losses of the heads, whose gradients are those of finite differences', async () => {
    const HALF = Math.ceil((LENGTH * CHANNELS) / 4) * 4;
    const random = new Normals(5);
    const [mean, raw, action, noise, dstart] = Array.from({ length: 5 }, () => random.floats(COUNT)) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    raw.set([-40, 40, -9, 15]);
    const weights = Float32Array.from({ length: 2 * BATCH * LENGTH }, (_, i) => ((i * 7) % 5) / 4);
    const results = await runOp(device(), (op) => {
      const { builder } = op;
      const rows = (values: Float32Array): Rows =>
        inputRows(
          op,
          valuesOf(BATCH, CHANNELS, LENGTH, (b, c, t) => values[(b * LENGTH + t) * CHANNELS + c] as number),
        );
      const [a, z, d] = [rows(action), rows(noise), rows(dstart)];
      const heads = newHeads(builder, 'heads', a);
      op.write(
        {
          buffer: heads.mean.buffer,
          batch: BATCH,
          channels: 2 * HALF,
          length: 1,
          layout: { offset: 0, batchStride: 2 * HALF, channelStride: 1, timeStride: 0 },
        },
        valuesOf(BATCH, 2 * HALF, 1, (b, c) => {
          const [of, i] = c < HALF ? [mean, c] : [raw, c - HALF];
          return i < LENGTH * CHANNELS ? (of[b * LENGTH * CHANNELS + i] as number) : 0;
        }),
      );
      const gradients = newHeads(builder, 'gradients', a);
      op.readWords('gradients', gradients.mean.buffer);
      recordGaussianStart(builder, heads, z, outputRows(op, 'start', BATCH, LENGTH, CHANNELS));
      const [buffer, step] = [losses(op, 2 * BATCH), stepBuffer(op, { inverseCount: INVERSE })];
      const of = { buffer: op.buffer('weights', weights) };
      recordGaussianLoss(builder, { heads, action: a, noise: z, dstart: d, weights: of, gradients, losses: buffer, firstLoss: 0, step });
      newRows(builder, 'unused', 1, 1, 4);
    });
    const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    const start = (i: number): number => (mean[i] as number) + softplus(raw[i] as number) * (noise[i] as number);
    expectClose(
      results.values('start'),
      valuesOf(BATCH, CHANNELS, LENGTH, (b, c, t) => start((b * LENGTH + t) * CHANNELS + c)),
      TOLERANCE,
      'start',
    );
    /** What an element adds to the objective: its part of both losses, and the start times its gradient. */
    const objective = (i: number, m: number, r: number): number => {
      const row = Math.floor(i / CHANNELS);
      const [deviation, e] = [softplus(r), (action[i] as number) - m];
      const own = (weights[2 * row] as number) * (e ** 2 - deviation ** 2) ** 2 + (weights[2 * row + 1] as number) * e ** 2;
      return INVERSE * own + (dstart[i] as number) * (m + deviation * (noise[i] as number));
    };
    const gradients = floatsOf(results.words('gradients'));
    for (let i = 0; i < COUNT; i++) {
      const at = 2 * HALF * Math.floor(i / (LENGTH * CHANNELS)) + (i % (LENGTH * CHANNELS));
      const [m, r, h] = [mean[i] as number, raw[i] as number, 1e-4];
      for (const [found, slope] of [
        [gradients[at], (objective(i, m + h, r) - objective(i, m - h, r)) / (2 * h)],
        [gradients[at + HALF], (objective(i, m, r + h) - objective(i, m, r - h)) / (2 * h)],
      ] as const) {
        expect(Math.abs((found as number) - slope), `element ${i}`).toBeLessThan(1e-5 * Math.max(1, Math.abs(slope)));
      }
    }
    for (let b = 0; b < BATCH; b++) {
      const own = gradients.subarray(2 * HALF * b + LENGTH * CHANNELS, 2 * HALF * b + HALF);
      expect([...own].every((value) => value === 0)).toBe(true);
    }
    const parts = floatsOf(results.words('losses'));
    let [std, of] = [0, 0];
    for (let i = 0; i < COUNT; i++) {
      const [row, deviation, e] = [Math.floor(i / CHANNELS), softplus(raw[i] as number), (action[i] as number) - (mean[i] as number)];
      std += (weights[2 * row] as number) * (e ** 2 - deviation ** 2) ** 2;
      of += (weights[2 * row + 1] as number) * e ** 2;
    }
    const sum = (from: number): number => parts.subarray(from, from + BATCH).reduce((all, value) => all + value, 0);
    expect(sum(0) / std).toBeCloseTo(1, 5);
    expect(sum(BATCH) / of).toBeCloseTo(1, 5);
  });
});
