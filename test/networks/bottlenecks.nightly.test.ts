import { describe, expect, it } from 'vitest';
import { encoderTensorShapes } from '../../src/checkpoints/lerobot/encoder-tensors.js';
import { loadImageEncoder } from '../../src/networks/image-encoder/load.js';
import { recordImageEncoder } from '../../src/networks/image-encoder/record.js';
import type { ImageEncoderShape } from '../../src/spec/network-shapes.js';
import { useTestDevice } from '../support/device.js';
import { inputMap, mapOf } from '../support/feature-maps.js';
import { resnetFeatures } from '../support/reference-resnet.js';
import { runOp } from '../support/run-op.js';
import { expectClose, Normals, valuesOf } from '../support/values.js';

const DEVICES = [
  ['of the adapter', useTestDevice()],
  ['gpu', useTestDevice({ deviceClass: 'gpu' })],
] as const;

/** Weights that keep activations their size, norms near identity, positions from −1 to 1. */
function randomEncoder(shape: ImageEncoderShape): Record<string, Float32Array> {
  const normals = new Normals(17);
  return Object.fromEntries(
    [...encoderTensorShapes(shape)].map(([name, sides]): [string, Float32Array] => {
      const values = normals.floats(sides.reduce((all, size) => all * size, 1));
      if (name.endsWith('running_var')) return [name, values.map((value) => 0.5 + Math.abs(value))];
      if (name.endsWith('pos_grid')) return [name, values.map((value) => Math.max(-1, Math.min(1, value)))];
      if (sides.length > 1)
        return [name, values.map((value) => value * Math.sqrt(1.5 / sides.slice(1).reduce((all, size) => all * size, 1)))];
      const isScale = name.endsWith('weight');
      // The last norm of a block smaller, as the sum of blocks would grow.
      return [name, values.map((value) => (isScale ? (name.includes('bn3') ? 0.5 : 1) : 0) + 0.1 * value)];
    }),
  );
}

describe.each(DEVICES)('ResNet-50, whose blocks are bottlenecks, variants %s', (_name, device) => {
  it.each(['group', 'batch'] as const)('%s norm: makes the features that float64 makes', async (norm) => {
    const shape: ImageEncoderShape = { backbone: 'resnet50', norm, keypoints: 5, encoders: 1, height: 33, width: 21 };
    const tensors = randomEncoder(shape);
    const normals = new Normals(2);
    const pictures = mapOf({ batch: 2, channels: 3, height: 33, width: 21 }, () => normals.next());
    const results = await runOp(device(), async (op) => {
      const encoder = await loadImageEncoder(op.loader(tensors), shape, ['']);
      recordImageEncoder(op.builder, encoder, 1, inputMap(op, pictures), op.output('features', 2, 10, 1, 'tokens'));
    });
    const expected = resnetFeatures(tensors, pictures);
    expect(new Set(expected.flat().map((value) => value.toFixed(2))).size).toBeGreaterThan(4);
    expectClose(
      results.values('features'),
      valuesOf(2, 10, 1, (b, c) => expected[b]?.[c] as number),
      { atol: 5e-5, rtol: 5e-5 },
      'features',
    );
  });
});

describe('tensors of deeper backbones', () => {
  it.each([
    ['resnet50', 16, 23_508_032],
    ['resnet101', 33, 42_500_160],
    ['resnet152', 50, 58_143_808],
  ] as const)('%s has %i blocks and as many parameters as torchvision says, without its classifier', (backbone, blocks, parameters) => {
    const shape: ImageEncoderShape = { backbone, norm: 'group', keypoints: 32, encoders: 1, height: 84, width: 84 };
    const own = [...encoderTensorShapes(shape, true)].filter(([name]) => name.startsWith('backbone'));
    expect(own.filter(([name]) => name.endsWith('conv3.weight'))).toHaveLength(blocks);
    expect(own.reduce((sum, [, sides]) => sum + sides.reduce((all, size) => all * size, 1), 0)).toBe(parameters);
    expect(encoderTensorShapes(shape).get('pool.nets.weight')).toEqual([32, 2048, 1, 1]);
    expect(encoderTensorShapes(shape).get('backbone.4.0.downsample.0.weight')).toEqual([256, 64, 1, 1]);
  });
});
