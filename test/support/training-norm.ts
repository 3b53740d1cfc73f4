import { describe, expect, it } from 'vitest';
import { recordNormBackward, recordNormForward, statisticsBytes } from '../../src/ops/backward/trained-norm.js';
import type { DeviceClass } from '../../src/runtime/device-class.js';
import { newRows } from '../../src/runtime/rows.js';
import { useTestDevice } from './device.js';
import { type NormInputs, normGradients } from './reference-gradients.js';
import { runOp } from './run-op.js';
import { inputRows, outputRows, trainedVectors } from './training-op.js';
import { expectClose, Normals, type Values, valueAt, valuesOf } from './values.js';

interface Case {
  readonly what: string;
  readonly batch: number;
  readonly channels: number;
  readonly length: number;
  readonly groups: number;
  readonly film: 'scale-bias' | 'bias' | 'none';
  /** Whether every place has FiLM values of its own. */
  readonly byPlace?: boolean;
  readonly residual: boolean;
  /** Mean of x, in deviations. */
  readonly mean?: number;
}

const CASES: readonly Case[] = [
  { what: 'FiLM with scale', batch: 3, channels: 24, length: 7, groups: 4, film: 'scale-bias', residual: false },
  { what: 'FiLM with bias alone', batch: 2, channels: 12, length: 5, groups: 3, film: 'bias', residual: false },
  {
    what: 'FiLM with scale for every place',
    batch: 3,
    channels: 24,
    length: 7,
    groups: 4,
    film: 'scale-bias',
    byPlace: true,
    residual: false,
  },
  {
    what: 'FiLM with bias alone for every place',
    batch: 2,
    channels: 12,
    length: 5,
    groups: 3,
    film: 'bias',
    byPlace: true,
    residual: false,
  },
  { what: 'residual', batch: 2, channels: 16, length: 4, groups: 8, film: 'none', residual: true },
  { what: 'one place, one group', batch: 3, channels: 20, length: 1, groups: 1, film: 'none', residual: false },
  { what: 'a mean of thousands of deviations', batch: 2, channels: 16, length: 8, groups: 4, film: 'none', residual: false, mean: 1000 },
];

/** Of values of unit size. */
const TOLERANCE = { atol: 4e-6, rtol: 4e-6 };

/** Tests of group norm, Mish and FiLM with their gradients, with the variants of a class of devices (undefined: of the adapter). */
export function testTrainingNorm(deviceClass: DeviceClass | undefined): void {
  describe(`group norm, Mish and FiLM with their gradients, class ${deviceClass ?? 'of the adapter'}`, () => {
    const device = useTestDevice(deviceClass === undefined ? {} : { deviceClass });

    it.each(CASES)('$what', async (c) => {
      const { batch, channels, length, groups, mean = 0 } = c;
      const random = new Normals(channels);
      const x = random.values(batch, channels, length);
      x.data.forEach((value, i) => (x.data[i] = Math.fround(value + mean)));
      const gamma = Float64Array.from(random.floats(channels));
      const beta = Float64Array.from(random.floats(channels));
      const places = c.byPlace ? length : 1;
      const width = c.film === 'scale-bias' ? 2 * channels : channels;
      const film = c.film === 'none' ? undefined : { hasScale: c.film === 'scale-bias', values: random.values(batch, width, places) };
      const residual = c.residual ? random.values(batch, channels, length) : undefined;
      const inputs: NormInputs = { x, gamma, beta, groups, film, residual };
      const dy = random.values(batch, channels, length);
      const expected = normGradients(inputs, dy);
      const offset = 4;
      const results = await runOp(device(), (op) => {
        const { builder } = op;
        const affine = trainedVectors(op, 'gradients', [gamma, beta, gamma]);
        const rows = film
          ? valuesOf(batch, width + 8, places, (b, j, t) =>
              j >= offset && j < offset + width ? valueAt(film.values, b, j - offset, t) : 9,
            )
          : undefined;
        const trained = rows && {
          kind: c.film as 'scale-bias' | 'bias',
          rows: inputRows(op, rows),
          gradients: outputRows(op, 'dfilm', batch, places, width + 8),
          offset,
        };
        const call = {
          affine,
          groups,
          film: trained,
          x: inputRows(op, x),
          statistics: builder.buffer('statistics', statisticsBytes(batch, groups)),
        };
        const y = outputRows(op, 'y', batch, length, channels);
        recordNormForward(builder, { ...call, y, residual: residual && inputRows(op, residual) });
        const dx = outputRows(op, 'dx', batch, length, channels);
        recordNormBackward(builder, { ...call, dy: inputRows(op, dy), dx, sums: outputRows(op, 'sums', batch, 1, 3 * channels) });
      });
      // Where the mean is large, x itself has few digits left: what it is rounded to is the same for both sides.
      const tolerance = mean === 0 ? TOLERANCE : { atol: 2e-4, rtol: 2e-4 };
      expectClose(results.values('y'), expected.y, tolerance, 'y');
      expectClose(results.values('dx'), expected.dx, tolerance, 'dx');
      const sums = results.values('sums');
      const column = (part: number): Values =>
        valuesOf(1, channels, 1, (_b, channel) => {
          let sum = 0;
          for (let b = 0; b < batch; b++) sum += valueAt(sums, b, part * channels + channel, 0);
          return sum;
        });
      const as = (data: Float64Array): Values => ({ batch: 1, channels, length: 1, data });
      const wide = { atol: tolerance.atol * Math.sqrt(batch * length), rtol: tolerance.rtol };
      expectClose(column(0), as(expected.dgamma), wide, 'dγ');
      expectClose(column(1), as(expected.dbeta), wide, 'dβ');
      expectClose(column(2), as(expected.sums), wide, 'Σ dx');
      if (expected.dfilm) {
        const found = results.values('dfilm');
        expectClose(
          valuesOf(batch, width, places, (b, j, t) => valueAt(found, b, j + offset, t)),
          expected.dfilm,
          wide,
          'dfilm',
        );
        expect(valueAt(found, 0, 0, 0), 'values of other blocks are left alone').toBeNaN();
      }
      expectInvariants(results.values('dx'), expected.normalized, groups, mean === 0 ? 1e-5 : 1e-3);
    });

    it('refuses channels that are no multiple of four or do not fall into groups', async () => {
      await runOp(device(), (op) => {
        const rows = (channels: number) => newRows(op.builder, 'x', 1, 2, channels);
        const call = (channels: number, groups: number): void => {
          const affine = trainedVectors(op, `g ${channels} ${groups}`, [new Float32Array(channels), new Float32Array(channels)]);
          const statistics = op.builder.buffer('statistics', 64);
          recordNormForward(op.builder, { affine, groups, x: rows(channels), y: rows(channels), statistics });
        };
        expect(() => call(6, 3)).toThrow('multiple of 4');
        expect(() => call(8, 3)).toThrow('groups');
        call(8, 2);
      });
    });
  });
}

/** Σ dx = 0 and Σ dx·x̂ ≈ 0 over every group of a sample, up to ε of the norm and rounding. */
function expectInvariants(dx: Values, normalized: Values, groups: number, tolerance: number): void {
  const size = dx.channels / groups;
  const sums = new Map<string, [number, number, number]>();
  valuesOf(dx.batch, dx.channels, dx.length, (b, c, t) => {
    const key = `${b} ${Math.floor(c / size)}`;
    const [sum, product, all] = sums.get(key) ?? [0, 0, 0];
    const value = valueAt(dx, b, c, t);
    sums.set(key, [sum + value, product + value * valueAt(normalized, b, c, t), all + Math.abs(value)]);
    return 0;
  });
  for (const [key, [sum, product, all]] of sums) {
    expect(Math.abs(sum), `Σ dx of group ${key}`).toBeLessThanOrEqual(tolerance * all + 1e-6);
    expect(Math.abs(product), `Σ dx·x̂ of group ${key}`).toBeLessThanOrEqual(50 * tolerance * all + 1e-6);
  }
}
