import { describe, it } from 'vitest';
import { recordNormalize, recordShiftChunk, recordUnnormalize } from '../../src/ops/sampling.js';
import { asTokens } from '../../src/runtime/tensor.js';
import { useTestDevice } from '../support/device.js';
import { type OpRecorder, runOp } from '../support/run-op.js';
import { expectClose, expectSameBits, Normals, type Values, valueAt, valuesOf } from '../support/values.js';

const device = useTestDevice();

const shapes = [
  { batch: 1, length: 1, width: 1 },
  { batch: 3, length: 2, width: 5 },
  { batch: 2, length: 16, width: 9 },
];
/** A few roundings; the kernels divide, which WGSL allows to be off by 2.5 units in the last place. */
const TOLERANCE = { atol: 1e-6, rtol: 1e-6 };

/** Four constants per value of a frame: of any mode, none of them 0 or 1. */
function statisticsFor(width: number): Float32Array {
  const normals = new Normals(width);
  return Float32Array.from({ length: width * 4 }, () => 1.5 + normals.uniform());
}

function upload(op: OpRecorder, statistics: Float32Array): Promise<GPUBuffer> {
  return op.loader({}).uploader.uploadFloats('statistics', statistics);
}

async function normalize(x: Values, statistics: Float32Array): Promise<Values> {
  const results = await runOp(device(), async (op) => {
    // Observations are a part of the one buffer that goes up with a decision.
    const inputs = op.builder.buffer('inputs', 256 + x.data.length * 4);
    const tokens = asTokens(inputs, x.batch, x.length, x.channels);
    op.write({ ...tokens, layout: { ...tokens.layout, offset: 64 } }, x);
    const range = { buffer: inputs, offset: 256, bytes: x.data.length * 4 };
    recordNormalize(op.builder, range, await upload(op, statistics), op.output('y', x.batch, x.channels, x.length, 'tokens'));
  });
  return results.values('y');
}

async function unnormalize(y: Values, statistics: Float32Array): Promise<Values> {
  const results = await runOp(device(), async (op) => {
    const x = op.output('x', y.batch, y.channels, y.length, 'tokens');
    recordUnnormalize(op.builder, op.input(y, 'tokens'), await upload(op, statistics), x.buffer);
  });
  return results.values('x');
}

const constant = (statistics: Float32Array, d: number, i: number): number => statistics[d * 4 + i] as number;

describe('normalise', () => {
  it.each(shapes)('$batch × $length frames of $width values, each with its own constants', async ({ batch, length, width }) => {
    const x = new Normals(1).values(batch, width, length, 3);
    const s = statisticsFor(width);
    const expected = valuesOf(
      batch,
      width,
      length,
      (b, d, f) => ((valueAt(x, b, d, f) - constant(s, d, 0)) / constant(s, d, 1)) * constant(s, d, 2) + constant(s, d, 3),
    );
    expectClose(await normalize(x, s), expected, TOLERANCE, 'y');
  });

  it('identity returns the same bits; min-max takes the bounds to -1 and 1', async () => {
    const x = new Normals(2).values(2, 2, 3, 100);
    expectSameBits(await normalize(x, Float32Array.of(0, 1, 1, 0, 0, 1, 1, 0)), x, 'identity');
    const bounds = valuesOf(1, 1, 2, (_b, _d, f) => (f === 0 ? -3 : 509));
    const ends = valuesOf(1, 1, 2, (_b, _d, f) => (f === 0 ? -1 : 1));
    expectSameBits(await normalize(bounds, Float32Array.of(-3, 512, 2, -1)), ends, 'min-max');
  });
});

describe('un-normalise', () => {
  it.each(shapes)('$batch chunks of $length × $width, each dimension with its own constants', async ({ batch, length, width }) => {
    const y = new Normals(3).values(batch, width, length);
    const s = statisticsFor(width);
    const expected = valuesOf(
      batch,
      width,
      length,
      (b, a, j) => (valueAt(y, b, a, j) + constant(s, a, 0)) * constant(s, a, 1) * constant(s, a, 2) + constant(s, a, 3),
    );
    expectClose(await unnormalize(y, s), expected, TOLERANCE, 'x');
  });

  it('identity returns the same bits; min-max takes -1 and 1 to the bounds', async () => {
    const y = new Normals(4).values(2, 2, 3);
    expectSameBits(await unnormalize(y, Float32Array.of(0, 1, 1, 0, 0, 1, 1, 0)), y, 'identity');
    const ends = valuesOf(1, 1, 2, (_b, _a, j) => (j === 0 ? -1 : 1));
    const bounds = valuesOf(1, 1, 2, (_b, _a, j) => (j === 0 ? -3 : 509));
    expectSameBits(await unnormalize(ends, Float32Array.of(1, 0.5, 512, -3)), bounds, 'min-max');
  });
});

describe('shift', () => {
  it.each([{ rows: 0 }, { rows: 1 }, { rows: 8 }, { rows: 15 }, { rows: 16 }, { rows: 40 }])(
    'by $rows of 16 rows repeats the last one',
    async ({ rows }) => {
      const x = new Normals(5).values(2, 5, 16);
      const results = await runOp(device(), (op) => {
        const { buffer } = op.input(x, 'tokens');
        recordShiftChunk(op.builder, { buffer, offset: 0, bytes: buffer.bytes }, rows, op.output('y', 2, 5, 16, 'tokens'));
      });
      expectSameBits(
        results.values('y'),
        valuesOf(2, 5, 16, (b, a, j) => valueAt(x, b, a, Math.min(j + rows, 15))),
        'y',
      );
    },
  );
});
