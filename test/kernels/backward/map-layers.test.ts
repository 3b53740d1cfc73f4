import { describe, it } from 'vitest';
import {
  recordKeypointsBackward,
  recordKeypointsForward,
  recordMapNormBackward,
  recordMapNormForward,
  recordMaxPoolBackward,
  recordMaxPoolForward,
  recordReluBackward,
  recordReluForward,
} from '../../../src/ops/backward/map-layers.js';
import { stepUniform } from '../../../src/training/plan/step-scalars.js';
import { useTestDevice } from '../../support/device.js';
import { keypointsGradient, mapNormGradient, maxPoolGradient } from '../../support/reference-map-gradients.js';
import { finiteDifferences, inner, vector } from '../../support/reference-token-gradients.js';
import { rowsOf, rowsRead, rowValues } from '../../support/row-values.js';
import { runOp } from '../../support/run-op.js';
import { expectClose, Normals, valueAt, valuesOf } from '../../support/values.js';

const TOLERANCE = { atol: 6e-6, rtol: 4e-6 };

describe.each([undefined, 'gpu'] as const)('layers of image encoders and their gradients, class %s', (deviceClass) => {
  const device = useTestDevice(deviceClass ? { deviceClass } : {});

  it.each([
    { batch: 2, channels: 32, groupChannels: 16, length: 35, residual: true, relu: true },
    { batch: 3, channels: 12, groupChannels: 4, length: 6, residual: false, relu: true },
    { batch: 1, channels: 16, groupChannels: 16, length: 70, residual: false, relu: false },
  ])('group norm of $channels channels in groups of $groupChannels, residual $residual, ReLU $relu', async (p) => {
    const { batch, channels, groupChannels, length, residual, relu } = p;
    const normals = new Normals(channels + length);
    const [x, dy, more] = [
      normals.values(batch, channels, length, 2),
      normals.values(batch, channels, length),
      normals.values(batch, channels, length),
    ];
    const [gamma, beta] = [normals.floats(channels), normals.floats(channels)];
    const results = await runOp(device(), (op) => {
      const parameters = new Float32Array(2 * channels);
      parameters.set(gamma);
      parameters.set(beta, channels);
      const gradient = op.buffer('gradient', new Float32Array(2 * channels));
      const affine = { weight: { buffer: op.buffer('affine', parameters) }, gradient: { buffer: gradient }, channels, count: 2 };
      const tape = recordMapNormForward(op.builder, 'test', {
        x: rowsOf(op, x),
        affine,
        groupChannels,
        residual: residual ? rowsOf(op, more) : undefined,
        relu,
        y: rowsRead(op, 'y', x),
      });
      recordMapNormBackward(op.builder, tape, {
        dy: rowsOf(op, dy),
        dx: rowsRead(op, 'dx', x),
        dresidual: residual ? rowsRead(op, 'dz', x) : undefined,
        sums: rowsRead(op, 'sums', { batch, channels: 2 * channels, length: 1 }),
        step: op.buffer('step', stepUniform(null, 1, false)),
      });
      op.readWords('gradient', gradient);
    });
    const expected = mapNormGradient({ x, gamma, beta, groupChannels, residual: residual ? more : undefined, relu }, dy);
    expectClose(rowValues(results, 'y', x), expected.y, TOLERANCE, 'y');
    expectClose(rowValues(results, 'dx', x), expected.dx, TOLERANCE, 'dx');
    if (residual) expectClose(rowValues(results, 'dz', x), expected.dz, { atol: 0, rtol: 0 }, 'dz');
    const gradient = new Float32Array(results.words('gradient').buffer);
    const sums = { atol: 3e-5, rtol: 4e-6 };
    expectClose(vector(gradient.subarray(0, channels)), vector(expected.dGamma), sums, 'dgamma');
    expectClose(vector(gradient.subarray(channels)), vector(expected.dBeta), sums, 'dbeta');
  });

  it.each([
    { height: 5, width: 6 },
    { height: 8, width: 7 },
    { height: 1, width: 2 },
  ])('max pool over $height × $width with many ties', async ({ height, width }) => {
    const [batch, channels] = [2, 7];
    const normals = new Normals(height);
    // After a ReLU: half of all values are 0, and the others are few.
    const x = valuesOf(batch, channels, height * width, () => Math.max(0, Math.round(normals.next())));
    const out = { height: Math.floor((height - 1) / 2) + 1, width: Math.floor((width - 1) / 2) + 1 };
    const dy = normals.values(batch, channels, out.height * out.width);
    const results = await runOp(device(), (op) => {
      const maps = { rows: rowsOf(op, x), height, width };
      const tape = recordMaxPoolForward(op.builder, 'test', maps, { rows: rowsRead(op, 'y', dy), ...out });
      recordMaxPoolBackward(op.builder, tape, rowsOf(op, dy), rowsRead(op, 'dx', x));
    });
    const expected = maxPoolGradient(x, { height, width }, (b, c, place) => valueAt(dy, b, c, place));
    expectClose(rowValues(results, 'y', dy), expected.y, { atol: 0, rtol: 0 }, 'y');
    expectClose(rowValues(results, 'dx', x), expected.dx, { atol: 1e-6, rtol: 1e-6 }, 'dx');
  });

  it.each([
    { batch: 3, keypoints: 6, places: 15, scale: 1 },
    { batch: 1, keypoints: 2, places: 1, scale: 30 },
    { batch: 2, keypoints: 32, places: 6, scale: 30 },
  ])('$keypoints keypoints of $places places, scores of ± $scale', async ({ batch, keypoints, places, scale }) => {
    const normals = new Normals(places);
    const x = normals.values(batch, keypoints, places, scale);
    const [grid, dy] = [normals.floats(2 * places), normals.values(batch, 2 * keypoints, 1)];
    const results = await runOp(device(), (op) => {
      const table = { buffer: op.buffer('grid', grid) };
      const tape = recordKeypointsForward(op.builder, 'test', rowsOf(op, x), table, rowsRead(op, 'y', dy));
      recordKeypointsBackward(op.builder, tape, rowsOf(op, dy), rowsRead(op, 'dx', x));
    });
    const expected = keypointsGradient(x, grid, dy);
    expectClose(rowValues(results, 'y', dy), expected.y, TOLERANCE, 'y');
    expectClose(rowValues(results, 'dx', x), expected.dx, TOLERANCE, 'dx');
  });

  it('ReLU: the gradient at 0 is 0', async () => {
    const x = valuesOf(1, 5, 3, (_b, c, t) => [0, -1, 2][(c + t) % 3] as number);
    const dy = new Normals(1).values(1, 5, 3);
    const results = await runOp(device(), (op) => {
      const y = rowsRead(op, 'y', x);
      recordReluForward(op.builder, rowsOf(op, x), y);
      recordReluBackward(op.builder, y, rowsOf(op, dy), rowsRead(op, 'dx', x));
    });
    expectClose(rowValues(results, 'y', x), { ...x, data: x.data.map((value) => Math.max(0, value)) }, { atol: 0, rtol: 0 }, 'y');
    expectClose(
      rowValues(results, 'dx', x),
      { ...x, data: x.data.map((value, i) => (value > 0 ? (dy.data[i] as number) : 0)) },
      { atol: 0, rtol: 0 },
      'dx',
    );
  });
});

describe('their references agree with finite differences', () => {
  const normals = new Normals(5);
  const close = { atol: 1e-8, rtol: 1e-6 };

  it('group norm', () => {
    const x = normals.values(1, 8, 5);
    const [dy, residual] = [normals.values(1, 8, 5), normals.values(1, 8, 5)];
    const p = { gamma: normals.floats(8), beta: normals.floats(8), groupChannels: 4, relu: true };
    const found = mapNormGradient({ x, residual, ...p }, dy);
    const loss = (at: typeof x, more: typeof x): number => inner(mapNormGradient({ x: at, residual: more, ...p }, dy).y, dy);
    expectClose(
      found.dx,
      finiteDifferences(x, (at) => loss(at, residual)),
      close,
      'dx',
    );
    expectClose(
      found.dz,
      finiteDifferences(residual, (at) => loss(x, at)),
      close,
      'dz',
    );
  });

  it('keypoints', () => {
    const x = normals.values(1, 3, 7);
    const [grid, dy] = [normals.floats(14), normals.values(1, 6, 1)];
    const slopes = finiteDifferences(x, (at) => inner(keypointsGradient(at, grid, dy).y, dy));
    expectClose(keypointsGradient(x, grid, dy).dx, slopes, close, 'dx');
  });
});
