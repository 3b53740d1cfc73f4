import type { MapPlace } from '../../kernels/lib/map-place.wgsl.js';
import { recordConv2d, uploadConv2d } from '../../src/ops/conv2d.js';
import { recordFinishMap, recordMaxPool, uploadMapNorm } from '../../src/ops/feature-maps.js';
import { recordWinograd, uploadWinograd, winogradMaps } from '../../src/ops/winograd.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { type FeatureMap, featureMap } from '../../src/runtime/feature-map.js';
import { asMap, inputMap, type MapValues, outputMap, readMap } from './feature-maps.js';
import { runOp } from './run-op.js';
import { Normals } from './values.js';

const CHANNELS = 16;
/** 4 × 52 × 47 = 9,776 texels after the pool: more than a row of a texture. */
const [HEIGHT, WIDTH] = [103, 93];
const [ROWS, COLUMNS] = [52, 47];

/**
 * A residual block as an image encoder records it, behind a max pool: every kernel that knows maps in textures reads and writes them there, but for
 * the first input and the last output.
 */
export async function chainOfMaps(device: ComputeDevice, place: MapPlace): Promise<MapValues> {
  const normals = new Normals(5);
  const picture = asMap(normals.values(1, CHANNELS, HEIGHT * WIDTH), HEIGHT, WIDTH);
  const shape = { batch: 1, channels: CHANNELS, height: ROWS, width: COLUMNS };
  const layer = { inChannels: CHANNELS, outChannels: CHANNELS, kernelSize: 3, stride: 1, padding: 1 };
  const draw = (): { weight: Float32Array; bias: Float32Array } => ({
    weight: normals.floats(CHANNELS * CHANNELS * 9, 1 / Math.sqrt(CHANNELS * 9)),
    bias: normals.floats(CHANNELS),
  });
  const results = await runOp(device, async (op) => {
    const { builder } = op;
    const map = (label: string, sides: Omit<FeatureMap, 'buffer'> = shape): FeatureMap => featureMap(builder, label, sides, place);
    const norm = await uploadMapNorm(op.loader({}), 'norm', CHANNELS, 8, [
      { gamma: normals.floats(CHANNELS), beta: normals.floats(CHANNELS) },
    ]);
    const direct = await uploadConv2d(op.loader({}), 'direct', layer, [draw()]);
    const tiled = await uploadWinograd(op.loader({}), 'tiled', layer, [draw()], 2);
    const [pooled, convolved, normed] = [map('pooled'), map('convolved'), map('normed')];
    recordMaxPool(builder, inputMap(op, picture), pooled);
    recordConv2d(builder, direct, { x: pooled, y: convolved, residual: pooled, relu: false });
    recordFinishMap(builder, norm, { x: convolved, y: normed, residual: pooled, relu: true });
    const [patches, products] = winogradMaps(tiled, normed);
    const inner = map('inner');
    const between = { patches: featureMap(builder, 'patches', patches), products: map('products', products) };
    recordWinograd(builder, tiled, { x: normed, y: inner, ...between, residual: convolved, relu: true });
    recordFinishMap(builder, norm, { x: inner, y: outputMap(op, 'y', shape), relu: false });
  });
  return readMap(results, 'y', shape);
}
