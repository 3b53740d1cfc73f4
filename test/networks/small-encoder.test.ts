import { describe, expect, it } from 'vitest';
import { smallEncoderTensors } from '../../src/checkpoints/predictor/small-encoder-tensors.js';
import { loadSmallEncoder } from '../../src/networks/small-encoder/load.js';
import { recordSmallEncoder } from '../../src/networks/small-encoder/record.js';
import { type RawRows, SMALL_ENCODER_CHANNELS, smallEncoderMap } from '../../src/spec/network-shapes.js';
import { useTestDevice } from '../support/device.js';
import { inputMap, mapOf } from '../support/feature-maps.js';
import { smallEncoderFeatures } from '../support/reference-small-encoder.js';
import { runOp } from '../support/run-op.js';
import { expectClose, Normals } from '../support/values.js';

const DEVICES = [
  ['of the adapter', useTestDevice()],
  ['gpu', useTestDevice({ deviceClass: 'gpu' })],
] as const;

const ROWS: RawRows = {
  kind: 'raw',
  cameras: ['camera'],
  vectors: [],
  encoder: { features: 7, height: 19, width: 14, imagenetNorm: false },
  width: 7,
};

/** Weights that keep activations their size. */
function weights(): Record<string, Float32Array> {
  const normals = new Normals(11);
  return Object.fromEntries(
    [...smallEncoderTensors(ROWS)].map(([name, { shape }]) => {
      const fanIn = shape.slice(1).reduce((all, size) => all * size, 1);
      const scale = shape.length > 1 ? Math.sqrt(2 / fanIn) : 0.1;
      return [name, normals.floats(shape.reduce((all, size) => all * size, 1)).map((value) => value * scale)];
    }),
  );
}

describe.each(DEVICES)('the image encoder of a predictor, variants %s', (_name, device) => {
  it('makes the features that float64 makes, of each picture', async () => {
    const { height, width, features } = ROWS.encoder;
    const tensors = weights();
    const normals = new Normals(5);
    const pictures = mapOf({ batch: 3, channels: 3, height, width }, () => normals.uniform());
    const results = await runOp(device(), async (op) => {
      const encoder = await loadSmallEncoder(op.loader(tensors), ROWS.encoder);
      recordSmallEncoder(op.builder, encoder, inputMap(op, pictures), op.output('features', 3, features, 1, 'tokens'));
    });
    expectClose(results.values('features'), smallEncoderFeatures(tensors, pictures), { atol: 2e-6, rtol: 2e-6 }, 'features');
  });

  it('refuses pictures of other sides', async () => {
    const record = runOp(device(), async (op) => {
      const encoder = await loadSmallEncoder(op.loader(weights()), ROWS.encoder);
      const pictures = mapOf({ batch: 1, channels: 3, height: 14, width: 19 }, () => 0);
      recordSmallEncoder(op.builder, encoder, inputMap(op, pictures), op.output('features', 1, 7, 1, 'tokens'));
    });
    await expect(record).rejects.toThrow(/pictures 3x19x14, 7 features; x is 1x3x14x19/);
  });
});

describe('the maps of that encoder', () => {
  it('halve, rounding up', () => {
    const sides = SMALL_ENCODER_CHANNELS.map((_, layer) => smallEncoderMap(layer, { height: 97, width: 99 }));
    expect(sides.map((map) => [map?.channels, map?.height, map?.width])).toEqual([
      [32, 49, 50],
      [64, 25, 25],
      [128, 13, 13],
      [128, 7, 7],
    ]);
    expect(smallEncoderMap(4, { height: 97, width: 99 })).toBeUndefined();
  });
});
