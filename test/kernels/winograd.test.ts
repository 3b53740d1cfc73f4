import { describe, expect, it } from 'vitest';
import { transformWeights, type WinogradTile, winogradTransforms } from '../../kernels/conv/winograd-transforms.js';
import { roundToF16 } from '../../src/foundation/half.js';
import { recordWinograd, uploadWinograd, winogradMaps } from '../../src/ops/winograd.js';
import { featureMap } from '../../src/runtime/feature-map.js';
import type { Precision } from '../../src/spec/precision.js';
import { type Conv2dCase, conv2dInputs, expectedConv2d } from '../support/conv2d-case.js';
import { useTestDevice } from '../support/device.js';
import { inputMap, type MapValues, outputMap, readMap } from '../support/feature-maps.js';
import { runOp } from '../support/run-op.js';
import { expectClose, expectSameBits } from '../support/values.js';

const device = useTestDevice();
const SLIDING = { kernelSize: 3, stride: 1, padding: 1 } as const;

const TILES: readonly WinogradTile[] = [2, 4];

describe.each(TILES)('3×3 convolution by tiles of %i', (tile) => {
  const cases: readonly Conv2dCase[] = [
    { ...SLIDING, inChannels: 64, outChannels: 64, height: 6, width: 8, relu: true },
    { ...SLIDING, inChannels: 12, outChannels: 20, height: 5, width: 7, frames: 2, encoders: 2, residual: true, relu: true },
    { ...SLIDING, inChannels: 8, outChannels: 36, height: 1, width: 3, frames: 3 },
    { ...SLIDING, inChannels: 7, outChannels: 5, height: 4, width: 1, residual: true },
  ];

  // A text for tiles of 4×4 takes a second to compile: one case has all that they differ in.
  it.each(tile === 2 ? cases : cases.slice(1, 2))('$inChannels → $outChannels channels over $height × $width', async (p) => {
    const inputs = conv2dInputs(p);
    const shape = { batch: inputs.x.batch, channels: p.outChannels, height: p.height, width: p.width };
    const results = await runOp(device(), async (op) => {
      const values = inputs.weights.map((weight, encoder) => ({ weight, bias: inputs.biases[encoder] }));
      const weights = await uploadWinograd(op.loader({}), 'conv', p, values, tile);
      const x = inputMap(op, inputs.x);
      const [patches, products] = winogradMaps(weights, x).map((map) => featureMap(op.builder, 'between', map));
      if (!patches || !products) throw new Error('two maps between');
      const residual = inputs.residual && inputMap(op, inputs.residual);
      recordWinograd(op.builder, weights, { x, y: outputMap(op, 'y', shape), patches, products, residual, relu: p.relu });
    });
    // Sums of sums: a few times the rounding of the direct way.
    expectClose(readMap(results, 'y', shape), expectedConv2d(p, inputs), { atol: 3e-5, rtol: 5e-6 }, 'y');
  });

  it('transforms weights by its matrix', () => {
    const g = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 10);
    const G = winogradTransforms(tile).weights;
    const expected = G.flatMap((left) =>
      G.map((right) =>
        Math.fround(left.reduce((sum, a, i) => sum + a * right.reduce((inner, b, j) => inner + b * (g[3 * i + j] as number), 0), 0)),
      ),
    );
    transformWeights(g, tile).forEach((position, index) => expect(position[0]).toBeCloseTo(expected[index] as number, 5));
  });
});

it('weights of products in f16 and int8 are f32 over rounded weights, bit by bit', async () => {
  const p: Conv2dCase = { ...SLIDING, inChannels: 20, outChannels: 24, height: 4, width: 4, encoders: 2 };
  const inputs = conv2dInputs(p);
  const shape = { batch: inputs.x.batch, channels: p.outChannels, height: p.height, width: p.width };
  const run = (weights: readonly Float32Array[], precision: Precision): Promise<MapValues> =>
    runOp(device(), async (op) => {
      const uploaded = await uploadWinograd(
        op.loader({}, precision),
        'conv',
        p,
        weights.map((weight) => ({ weight })),
        2,
      );
      const x = inputMap(op, inputs.x);
      const [patches, products] = winogradMaps(uploaded, x).map((map) => featureMap(op.builder, 'between', map));
      if (!patches || !products) throw new Error('two maps between');
      recordWinograd(op.builder, uploaded, { x, y: outputMap(op, 'y', shape), patches, products });
    }).then((results) => readMap(results, 'y', shape));
  const halves = inputs.weights.map((weight) => weight.slice());
  for (const weight of halves) roundToF16(weight);
  expectSameBits(await run(inputs.weights, 'f16'), await run(halves, 'f32'), 'f16');
  // A scale for each channel: the largest of its 180 weights is 127 steps.
  const bytes = inputs.weights.map((weight) =>
    weight.map((value, i) => {
      const first = i - (i % 180);
      const scale = Math.fround(weight.subarray(first, first + 180).reduce((most, v) => Math.max(most, Math.abs(v)), 0) / 127);
      return Math.round(value / scale) * scale;
    }),
  );
  expectSameBits(await run(inputs.weights, 'int8'), await run(bytes, 'f32'), 'int8');
});
