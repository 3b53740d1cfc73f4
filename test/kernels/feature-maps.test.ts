import { describe, expect, it } from 'vitest';
import {
  chooseMapParts,
  poolOutput,
  recordFinishMap,
  recordMaxPool,
  recordMeanPool,
  recordSpatialSoftmax,
  uploadMapNorm,
} from '../../src/ops/feature-maps.js';
import { useTestDevice } from '../support/device.js';
import { asMap, inputMap, type MapValues, mapOf, outputMap, readMap } from '../support/feature-maps.js';
import { groupNorm, maxPool, spatialSoftmax } from '../support/reference-maps.js';
import { runOp } from '../support/run-op.js';
import { expectClose, Normals, valueAt, valuesOf } from '../support/values.js';

const TOLERANCE = { atol: 5e-6, rtol: 2e-6 };
const own = useTestDevice();
const DEVICES = [
  ['of the adapter', own],
  ['gpu', useTestDevice({ deviceClass: 'gpu' })],
] as const;

describe('max pool', () => {
  it.each([
    { batch: 1, channels: 5, height: 1, width: 1 },
    { batch: 2, channels: 4, height: 7, width: 10 },
    { batch: 3, channels: 13, height: 12, width: 9 },
  ])('$batch × $channels × $height × $width, after ReLU', async (shape) => {
    const normals = new Normals(shape.width);
    const x = mapOf(shape, () => normals.next());
    const out = { ...shape, height: poolOutput(shape.height), width: poolOutput(shape.width) };
    const results = await runOp(own(), (op) => recordMaxPool(op.builder, inputMap(op, x), outputMap(op, 'y', out)));
    const pooled = maxPool(x);
    const wanted = mapOf(out, (b, c, row, column) => Math.max(0, valueAt(pooled, b, c, row * out.width + column)));
    expectClose(readMap(results, 'y', out), wanted, { atol: 0, rtol: 0 }, 'y');
  });
});

describe('max pool of what is not a number', () => {
  it('has it in every window that holds it', async () => {
    const shape = { batch: 1, channels: 4, height: 7, width: 7 };
    const x = mapOf(shape, (_, c, row, column) => (c === 1 && row === 3 && column === 2 ? NaN : 1));
    const out = { ...shape, height: poolOutput(shape.height), width: poolOutput(shape.width) };
    const results = await runOp(own(), (op) => recordMaxPool(op.builder, inputMap(op, x), outputMap(op, 'y', out)));
    const found = readMap(results, 'y', out);
    // Windows begin at 2r − 1: row 3 is in those of r = 1 and 2, column 2 in that of 1 alone.
    const wanted = mapOf(out, (_, c, row, column) => (c === 1 && (row === 1 || row === 2) && column === 1 ? NaN : 1));
    expect([...found.data]).toEqual([...wanted.data]);
  });
});

describe.each(DEVICES)('group norm of maps, variants %s', (_name, device) => {
  it.each([
    { batch: 1, channels: 64, height: 5, width: 3, group: 16 },
    { batch: 4, channels: 24, height: 1, width: 1, group: 8, encoders: 2, relu: true },
    { batch: 2, channels: 32, height: 13, width: 11, group: 16, residual: true, relu: true },
    { batch: 6, channels: 4, height: 2, width: 3, group: 4, encoders: 3, residual: true },
    { batch: 1, channels: 32, height: 13, width: 11, group: 16, parts: 7, relu: true },
    { batch: 4, channels: 24, height: 5, width: 7, group: 8, parts: 2, encoders: 2, residual: true },
    { batch: 1, channels: 4, height: 43, width: 3, group: 4, parts: 43, relu: true, residual: true },
  ])('$batch × $channels × $height × $width in groups of $group', async (p) => {
    const { group, encoders = 1, residual = false, relu = false, parts, ...shape } = p;
    const normals = new Normals(shape.width);
    const draw = (): MapValues => mapOf(shape, () => normals.next() * 2 + 0.5);
    const [x, skip] = [draw(), draw()];
    const values = Array.from({ length: encoders }, () => ({
      gamma: normals.floats(shape.channels),
      beta: normals.floats(shape.channels),
    }));
    const results = await runOp(device(), async (op) => {
      const norm = await uploadMapNorm(op.loader({}), 'norm', shape.channels, group, values);
      const y = outputMap(op, 'y', shape);
      const call = { x: inputMap(op, x), y, residual: residual ? inputMap(op, skip) : undefined, relu };
      recordFinishMap(op.builder, norm, parts === undefined ? call : { ...call, parts });
    });
    const frames = shape.batch / encoders;
    const normalized = values.map(({ gamma, beta }) => groupNorm(x, shape.channels / group, gamma, beta));
    const wanted = mapOf(shape, (b, c, row, column) => {
      const at = row * shape.width + column;
      const value = valueAt(normalized[Math.floor(b / frames)] as MapValues, b, c, at) + (residual ? valueAt(skip, b, c, at) : 0);
      return relu ? Math.max(value, 0) : value;
    });
    expectClose(readMap(results, 'y', shape), wanted, TOLERANCE, 'y');
  });

  it.each([1, 5])('small variations around a large mean survive: the variance takes two passes, in %d parts', async (parts) => {
    const shape = { batch: 1, channels: 16, height: 9, width: 8 };
    const normals = new Normals(3);
    const x = mapOf(shape, () => Math.fround(100 + 0.05 * normals.next()));
    const [gamma, beta] = [new Float32Array(16).fill(1), new Float32Array(16)];
    const results = await runOp(device(), async (op) => {
      const norm = await uploadMapNorm(op.loader({}), 'norm', 16, 16, [{ gamma, beta }]);
      recordFinishMap(op.builder, norm, { x: inputMap(op, x), y: outputMap(op, 'y', shape), relu: false, parts });
    });
    expectClose(readMap(results, 'y', shape), groupNorm(x, 1, gamma, beta), { atol: 5e-3, rtol: 0 }, 'y');
  });
});

describe.each(DEVICES)('mean pool, variants %s', (_name, device) => {
  it.each([
    { batch: 1, channels: 1, height: 1, width: 1 },
    { batch: 3, channels: 7, height: 5, width: 4 },
    { batch: 2, channels: 32, height: 15, width: 21 },
  ])('$batch × $channels × $height × $width', async (shape) => {
    const normals = new Normals(shape.width);
    const x = mapOf(shape, () => normals.next() + 3);
    const results = await runOp(device(), (op) =>
      recordMeanPool(op.builder, inputMap(op, x), op.output('y', shape.batch, shape.channels, 1, 'tokens')),
    );
    const expected = valuesOf(shape.batch, shape.channels, 1, (b, c) => {
      let sum = 0;
      for (let p = 0; p < x.length; p++) sum += valueAt(x, b, c, p);
      return sum / x.length;
    });
    expectClose(results.values('y'), expected, TOLERANCE, 'mean');
  });

  it('is refused where shapes do not fit', async () => {
    const record = runOp(device(), (op) => {
      const x = mapOf({ batch: 1, channels: 3, height: 2, width: 2 }, () => 0);
      recordMeanPool(op.builder, inputMap(op, x), op.output('y', 1, 4, 1, 'tokens'));
    });
    await expect(record).rejects.toThrow(/mean_pool: 1 samples of 3 maps, y is 1x4x1/);
  });
});

describe('parts of a group norm', () => {
  it('are for large maps on GPUs: a group has 307,200 vec4s behind the first convolution of 480×640', () => {
    const elements = (height: number, width: number): number => (16 / 4) * (height / 2) * (width / 2);
    expect(chooseMapParts(elements(84, 84), 'gpu')).toBe(1);
    expect(chooseMapParts(elements(96, 96), 'gpu')).toBe(3);
    expect(chooseMapParts(elements(480, 640), 'gpu')).toBe(75);
    expect(chooseMapParts(elements(2000, 2000), 'gpu')).toBe(128);
    expect(chooseMapParts(elements(480, 640), 'lavapipe')).toBe(1);
  });

  it('are refused where one would be empty', async () => {
    const shape = { batch: 1, channels: 4, height: 3, width: 3 };
    const values = [{ gamma: new Float32Array(4), beta: new Float32Array(4) }];
    const record = runOp(own(), async (op) => {
      const norm = await uploadMapNorm(op.loader({}), 'norm', 4, 4, values);
      const x = inputMap(
        op,
        mapOf(shape, () => 0),
      );
      recordFinishMap(op.builder, norm, { x, y: outputMap(op, 'y', shape), relu: false, parts: 4 });
    });
    await expect(record).rejects.toThrow(/9 elements cannot be cut into 4 parts/);
  });
});

describe.each(DEVICES)('spatial softmax, variants %s', (_name, device) => {
  it.each([
    { batch: 1, channels: 32, height: 3, width: 3 },
    { batch: 4, channels: 7, height: 5, width: 4, encoders: 2 },
    { batch: 2, channels: 1, height: 1, width: 1 },
    { batch: 1, channels: 3, height: 15, width: 20 },
  ])('$batch × $channels maps of $height × $width', async (p) => {
    const { encoders = 1, ...shape } = p;
    const normals = new Normals(shape.channels);
    // Large values: without the maximum taken off, exponentials would overflow.
    const x = asMap(normals.values(shape.batch, shape.channels, shape.height * shape.width, 30), shape.height, shape.width);
    const grid = normals.floats(encoders * shape.height * shape.width * 2);
    const results = await runOp(device(), async (op) => {
      const uploaded = await op.loader({}).uploader.uploadFloats('grid', grid);
      recordSpatialSoftmax(op.builder, uploaded, encoders, inputMap(op, x), op.output('y', shape.batch, 2 * shape.channels, 1, 'tokens'));
    });
    const wanted = Array.from({ length: encoders }, (_, e) => spatialSoftmax(x, grid.subarray(e * 2 * x.length)));
    const frames = shape.batch / encoders;
    const expected = valuesOf(shape.batch, 2 * shape.channels, 1, (b, c) => {
      const encoder = wanted[Math.floor(b / frames)];
      if (!encoder) throw new Error('no such encoder');
      return valueAt(encoder, b, c, 0);
    });
    expectClose(results.values('y'), expected, { atol: 1e-5, rtol: 1e-5 }, 'keypoints');
  });

  it('is refused where shapes do not fit', async () => {
    const record = runOp(device(), async (op) => {
      const grid = await op.loader({}).uploader.uploadFloats('grid', new Float32Array(8));
      const x = inputMap(
        op,
        mapOf({ batch: 1, channels: 3, height: 2, width: 2 }, () => 0),
      );
      recordSpatialSoftmax(op.builder, grid, 1, x, op.output('y', 1, 5, 1, 'tokens'));
    });
    await expect(record).rejects.toThrow(/1 samples of 3 maps, y is 1x5x1/);
  });
});
