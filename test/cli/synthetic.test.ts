import { describe, expect, it } from 'vitest';
import { loadPredictorCheckpoint } from '../../src/checkpoints/predictor/read-predictor.js';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import { syntheticPolicy, syntheticPredictor } from '../../src/synthetic/checkpoint.js';
import { initialFill } from '../../src/synthetic/fill.js';

describe('synthetic checkpoints', () => {
  it.each([
    ['large', 249_074_826],
    ['small', 65_883_658],
    ['tiny', 4_584_650],
  ] as const)('%s has %i parameters', async (size, parameters) => {
    const policy = await loadPolicyCheckpoint(syntheticPolicy(size));
    expect(policy.parameters).toBe(parameters);
    expect(policy.weightBytes).toBe(4 * parameters);
    expect(policy.unet).toMatchObject({ actionDim: 10, horizon: 16, conditioningDim: 46 });
    expect(policy.warnings).toEqual([]);
  });

  it('have a predictor of the published size', async () => {
    expect((await loadPredictorCheckpoint(syntheticPredictor())).parameters).toBe(670_602);
  });

  it('look through cameras that share an encoder, where that is asked for', async () => {
    const images = { height: 40, width: 70, cameras: 2, norm: 'group' } as const;
    const policy = await loadPolicyCheckpoint(syntheticPolicy('tiny', 16, images));
    expect(policy.warnings).toEqual([]);
    // Two frames of 9 + 14 values and 64 features of each camera.
    expect(policy.unet.conditioningDim).toBe(2 * (23 + 2 * 64));
    expect(policy.images?.encoder).toEqual({ backbone: 'resnet18', norm: 'group', keypoints: 32, encoders: 1, height: 40, width: 70 });
    expect((await loadPredictorCheckpoint(syntheticPredictor(16, 2))).config.observationDim).toBe(23 + 2 * 64);
    const { weights } = policy.encoders ?? {};
    const grid = await weights?.readFloats('rgb_encoder.pool.pos_grid');
    // Two rows of three positions, (x, y) each.
    expect([...(grid ?? [])]).toEqual([-1, -1, 0, -1, 1, -1, -1, 1, 0, 1, 1, 1]);
  });

  it('give the same bytes however they are read', async () => {
    const file = await syntheticPolicy('tiny').open('model.safetensors');
    // A stretch that holds the end of the header, whole tensors and parts of values.
    const whole = new Uint8Array(300_000);
    await file.read(0, whole);
    for (const [offset, length] of [
      [0, 7],
      [5, 40_001],
      [39_999, 3],
      [100_001, 150_000],
      [299_999, 1],
    ] as const) {
      const part = new Uint8Array(length);
      await file.read(offset, part);
      expect(Buffer.compare(part, whole.subarray(offset, offset + length))).toBe(0);
    }
  });

  it('end where they say', async () => {
    const file = await syntheticPolicy('large').open('model.safetensors');
    expect(file.size).toBeGreaterThan(996_299_304);
    await file.read(file.size - 4, new Uint8Array(4));
    await expect(file.read(file.size - 3, new Uint8Array(4))).rejects.toThrow('truncated');
  });

  it('spread weights as PyTorch does at first: uniform, within 1/√fan-in', async () => {
    const { weights } = await loadPolicyCheckpoint(syntheticPolicy('tiny'));
    const values = Float32Array.from(await weights.readFloats('down_modules.1.0.conv2.block.0.weight'));
    const bound = 1 / Math.sqrt(128 * 5);
    expect(Math.max(...values.slice(0, 50_000))).toBeLessThanOrEqual(Math.fround(bound));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(bound * 0.01);
    expect(variance / ((bound * bound) / 3)).toBeCloseTo(1, 1);
    const other = await weights.readFloats('down_modules.1.1.conv1.block.0.weight');
    expect(other.subarray(0, 4)).not.toEqual(values.subarray(0, 4));
  });

  it('give norms ones and zeros, and biases the bound of their weights', () => {
    const shapes = new Map([
      ['a.weight', [8, 2, 8]],
      ['a.bias', [8]],
      ['n.weight', [8]],
      ['n.bias', [8]],
    ]);
    expect(initialFill('a.bias', shapes)).toMatchObject({ kind: 'uniform', bound: 1 / 4 });
    expect(initialFill('n.weight', shapes)).toEqual({ kind: 'constant', value: 1 });
    expect(initialFill('n.bias', shapes)).toEqual({ kind: 'constant', value: 0 });
  });
});
