import { describe, it } from 'vitest';
import { recordReluBackward, recordReluForward } from '../../../src/ops/backward/map-layers.js';
import { batchNormGradient, checkBatchNorm } from '../../support/batch-norm-checks.js';
import { useTestDevice } from '../../support/device.js';
import { checkKeypoints, checkMapNorm, checkMaxPool, checkMeanPlaces } from '../../support/map-checks.js';
import { keypointsGradient, mapNormGradient } from '../../support/reference-map-gradients.js';
import { finiteDifferences, inner } from '../../support/reference-token-gradients.js';
import { rowsOf, rowsRead, rowValues } from '../../support/row-values.js';
import { runOp } from '../../support/run-op.js';
import { expectClose, Normals, valuesOf } from '../../support/values.js';

describe.each([undefined, 'gpu'] as const)('layers of image encoders and their gradients, class %s', (deviceClass) => {
  const device = useTestDevice(deviceClass ? { deviceClass } : {});

  it.each([
    { batch: 2, channels: 32, groupChannels: 16, length: 35, residual: true, relu: true },
    { batch: 3, channels: 12, groupChannels: 4, length: 6, residual: false, relu: true },
    { batch: 1, channels: 16, groupChannels: 16, length: 70, residual: false, relu: false },
  ])('group norm of $channels channels in groups of $groupChannels, residual $residual, ReLU $relu', (p) => checkMapNorm(device(), p));

  it.each([
    { windows: 3, counted: 3, cameras: 1, channels: 12, length: 20, residual: true, relu: true, learns: true },
    { windows: 3, counted: 2, cameras: 2, channels: 8, length: 300, residual: false, relu: true, learns: true },
    { windows: 4, counted: 3, cameras: 1, channels: 16, length: 5, residual: true, relu: false, learns: true, mean: 100 },
    { windows: 3, counted: 2, cameras: 2, channels: 8, length: 9, residual: true, relu: true, learns: false },
  ])('batch norm of $counted of $windows pictures of $cameras cameras, $length places, learns $learns', (p) => checkBatchNorm(device(), p));

  it.each([
    { batch: 2, channels: 12, places: 35 },
    { batch: 3, channels: 8, places: 1 },
    // More parts than WebGPU allows workgroups side by side.
    { batch: 5, channels: 52_432, places: 2 },
  ])('mean of $places places behind ReLU', (p) => checkMeanPlaces(device(), p));

  it.each([
    { height: 5, width: 6 },
    { height: 8, width: 7 },
    { height: 1, width: 2 },
  ])('max pool over $height × $width with many ties', (side) => checkMaxPool(device(), side));

  it.each([
    { batch: 3, keypoints: 6, places: 15, scale: 1 },
    { batch: 1, keypoints: 2, places: 1, scale: 30 },
    { batch: 2, keypoints: 32, places: 6, scale: 30 },
  ])('$keypoints keypoints of $places places, scores of ± $scale', (p) => checkKeypoints(device(), p));

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

  it.each([false, true])('batch norm, running statistics %s', (isRunning) => {
    const x = normals.values(3, 4, 5);
    const [dy, residual] = [normals.values(3, 4, 5), normals.values(3, 4, 5)];
    const running = isRunning ? { mean: normals.floats(4), variance: Float32Array.of(1, 2, 0.5, 3) } : undefined;
    const p = { gamma: normals.floats(4), beta: normals.floats(4), residual, relu: true, counts: () => true, running };
    const slopes = finiteDifferences(x, (at) => inner(batchNormGradient({ x: at, ...p }, dy).y, dy));
    expectClose(batchNormGradient({ x, ...p }, dy).dx, slopes, close, 'dx');
  });

  it('keypoints', () => {
    const x = normals.values(1, 3, 7);
    const [grid, dy] = [normals.floats(14), normals.values(1, 6, 1)];
    const slopes = finiteDifferences(x, (at) => inner(keypointsGradient(at, grid, dy).y, dy));
    expectClose(keypointsGradient(x, grid, dy).dx, slopes, close, 'dx');
  });
});
