import { describe, expect, it } from 'vitest';
import { MAP_PRODUCT_SIZES } from '../../../kernels/backward/map-product.wgsl.js';
import { newMaps, recordMapProduct } from '../../../src/ops/backward/maps.js';
import { MAX_WORKGROUPS, PlanBuilder } from '../../../src/runtime/plan-builder.js';
import { useTestDevice } from '../../support/device.js';
import { type ConvolutionCase, checkConvolution, checkFusedRelu } from '../../support/map-checks.js';
import { convolvedSide, squareConvolution, squareConvolutionGradient } from '../../support/reference-map-gradients.js';
import { finiteDifferences, inner } from '../../support/reference-token-gradients.js';
import { rowsOf } from '../../support/row-values.js';
import { runOp } from '../../support/run-op.js';
import { expectClose, Normals } from '../../support/values.js';

const CASES: readonly ConvolutionCase[] = [
  { batch: 1, inChannels: 3, outChannels: 5, height: 9, width: 12, kernelSize: 7, stride: 2 },
  { batch: 2, inChannels: 6, outChannels: 40, height: 5, width: 7, kernelSize: 3, stride: 1 },
  { batch: 3, inChannels: 37, outChannels: 9, height: 6, width: 5, kernelSize: 3, stride: 2 },
  { batch: 2, inChannels: 8, outChannels: 33, height: 5, width: 4, kernelSize: 1, stride: 2 },
  { batch: 1, inChannels: 5, outChannels: 4, height: 1, width: 1, kernelSize: 1, stride: 1 },
];

describe('convolutions over maps and their gradients', () => {
  const device = useTestDevice();

  it.each(CASES)('$kernelSize × $kernelSize, stride $stride, $inChannels -> $outChannels over $height × $width, batch $batch', (p) =>
    checkConvolution(device(), p),
  );
});

describe('convolutions with ReLU', () => {
  const device = useTestDevice();
  it('are those without, their sums at 0 and below left out; the gradient passes where something was left', async () => {
    await checkFusedRelu(device(), { batch: 2, inChannels: 8, outChannels: 12, height: 5, width: 7, kernelSize: 3, stride: 2 });
  });
});

describe('a weight gradient of many places', () => {
  const device = useTestDevice({ deviceClass: 'gpu' });
  it('is summed in slices on a GPU, and added to what is there', () =>
    checkConvolution(device(), { batch: 1, inChannels: 3, outChannels: 4, height: 67, width: 63, kernelSize: 3, stride: 1 }));
});

describe('what is recorded of convolutions over maps', () => {
  const record = (batch: number, side: number): { readonly builder: PlanBuilder; readonly places: number } => {
    const builder = new PlanBuilder('gpu');
    builder.segment('test');
    const buffer = builder.buffer('w', 9 * 16 * 4);
    const matrix = { weight: { buffer }, gradient: { buffer }, taps: 9, inChannels: 4, outChannels: 4, rowStride: 4, tapStride: 16 };
    const [x, y] = [
      newMaps(builder, 'x', { batch, channels: 4, height: 2 * side, width: 2 * side }),
      newMaps(builder, 'y', { batch, channels: 4, height: side, width: side }),
    ];
    recordMapProduct(builder, { matrix, geometry: { kernelSize: 3, stride: 2, padding: 1 }, x, y });
    return { builder, places: batch * side * side };
  };

  it('is several dispatches where WebGPU does not allow as many workgroups side by side', () => {
    const { builder, places } = record(300, 48);
    const dispatches = builder.segments.flatMap((segment) => segment.dispatches);
    expect(dispatches.length).toBe(2);
    expect(dispatches.every(({ workgroups }) => workgroups[1] <= MAX_WORKGROUPS)).toBe(true);
    expect(dispatches.reduce((sum, { workgroups }) => sum + 8 * workgroups[1], 0)).toBeGreaterThanOrEqual(places);
    // Each begins with the sample behind those of the one before.
    const { words } = builder.shapes;
    const sizes = dispatches.map(({ bindings }) => (name: (typeof MAP_PRODUCT_SIZES)[number]): number => {
      const { offset = 0 } = bindings[0] as { readonly offset?: number };
      return words[offset / 4 + MAP_PRODUCT_SIZES.indexOf(name)] as number;
    });
    const [first, second] = sizes.map((of) => ({ batch: of('batch'), x: of('x_offset'), y: of('y_offset') }));
    expect(first).toMatchObject({ x: 0, y: 0 });
    expect((first?.batch ?? 0) + (second?.batch ?? 0)).toBe(300);
    expect(second).toMatchObject({ x: (first?.batch ?? 0) * 96 * 96, y: (first?.batch ?? 0) * 48 * 48 });
  });

  it('is one dispatch otherwise', () => expect(record(4, 48).builder.segments.flatMap((segment) => segment.dispatches).length).toBe(1));
});

describe('the reference of convolutions over maps', () => {
  it('agrees with finite differences', () => {
    const normals = new Normals(3);
    const x = normals.values(1, 2, 20);
    const p = { x, side: { height: 4, width: 5 }, weight: normals.floats(3 * 2 * 9), outChannels: 3, kernelSize: 3, stride: 2, padding: 1 };
    const out = convolvedSide(p);
    const dy = normals.values(1, 3, out.height * out.width);
    const { dx } = squareConvolutionGradient(p, dy);
    const slopes = finiteDifferences(x, (at) => inner(squareConvolution({ ...p, x: at }), dy));
    expectClose(dx, slopes, { atol: 1e-8, rtol: 1e-7 }, 'dx');
  });
});

describe('a convolution over maps', () => {
  const device = useTestDevice();
  it('refuses maps of other sizes', async () => {
    const normals = new Normals(1);
    const recorded = runOp(device(), (op) => {
      const buffer = op.buffer('w', normals.floats(144));
      const matrix = { weight: { buffer }, gradient: { buffer }, taps: 9, inChannels: 4, outChannels: 4, rowStride: 4, tapStride: 16 };
      const side = { height: 3, width: 3 };
      const [x, y] = [rowsOf(op, normals.values(1, 4, 9)), rowsOf(op, normals.values(1, 4, 9))];
      recordMapProduct(op.builder, {
        matrix,
        geometry: { kernelSize: 3, stride: 2, padding: 1 },
        x: { rows: x, ...side },
        y: { rows: y, ...side },
      });
    });
    await expect(recorded).rejects.toThrow(
      'map_product: weights 4 -> 4 with 9 taps, windows of 3, stride 2; what goes in is 1x4x3x3, what comes out 1x4x3x3',
    );
  });
});
