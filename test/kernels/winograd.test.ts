import { describe, expect, it } from 'vitest';
import { transformWeights, type WinogradTile, winogradTransforms } from '../../kernels/conv/winograd-transforms.js';
import { recordWinograd, uploadWinograd, winogradMaps } from '../../src/ops/winograd.js';
import { featureMap } from '../../src/runtime/feature-map.js';
import { type Conv2dCase, conv2dInputs, expectedConv2d } from '../support/conv2d-case.js';
import { useTestDevice } from '../support/device.js';
import { inputMap, outputMap, readMap } from '../support/feature-maps.js';
import { runOp } from '../support/run-op.js';
import { expectClose } from '../support/values.js';

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
