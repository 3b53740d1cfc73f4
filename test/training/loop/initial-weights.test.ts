import { describe, expect, it } from 'vitest';
import { unetTensorShapes } from '../../../src/checkpoints/lerobot/unet-tensors.js';
import { predictorTensorShapes } from '../../../src/checkpoints/predictor/predictor-tensors.js';
import { syntheticUnet } from '../../../src/synthetic/checkpoint.js';
import { besideRule, initialWeights, policyRule, predictorRule } from '../../../src/training/loop/initial-weights.js';
import { imagePredictorNames } from '../../../src/training/predictor/image-front.js';
import type { ParameterInfo } from '../../../src/training/training-step.js';

const parametersOf = (shapes: ReadonlyMap<string, readonly number[]>): ParameterInfo[] =>
  [...shapes].map(([name, shape]) => ({ name, shape }));
/** Some tensors of a U-Net, as many values as say something about a distribution. */
const UNET = parametersOf(unetTensorShapes(syntheticUnet('tiny'))).filter(({ name }) =>
  /^(down_modules\.[01]\.0\.conv1|down_modules\.1\.0\.cond|up_modules\.0\.(2|0\.residual)|final_conv)/.test(name),
);
const SHAPE = {
  actionDim: 2,
  observationDim: 18,
  horizon: 16,
  observationSteps: 2,
  historySteps: 16,
  encoderLayers: 2,
  decoderLayers: 2,
  modelDim: 128,
  heads: 4,
  feedforwardDim: 256,
};
const PREDICTOR = parametersOf(predictorTensorShapes(SHAPE));

/** Mean and standard deviation, in units of what is expected of the deviation. */
function spread(values: Float32Array, deviation: number): { readonly mean: number; readonly deviation: number; readonly most: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const square = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
  return { mean: mean / deviation, deviation: Math.sqrt(square) / deviation, most: Math.max(...values.map(Math.abs)) / deviation };
}

describe('initial weights of a policy', () => {
  const weights = initialWeights(UNET, policyRule, 7);

  it.each([
    // f = in · taps; of a transposed convolution, whose weight is [in, out, taps], out · taps.
    ['down_modules.1.0.conv1.block.0.weight', 64 * 5],
    ['down_modules.1.0.cond_encoder.1.weight', 128 + 46],
    ['up_modules.0.2.weight', 128 * 4],
    ['up_modules.0.0.residual_conv.weight', 512],
    ['final_conv.0.block.0.weight', 64 * 5],
  ])('%s is uniform within 1/√%d, and so is its bias', (name, fan) => {
    const { mean, deviation, most } = spread(weights.get(name) as Float32Array, 1 / Math.sqrt(3 * fan));
    expect(Math.abs(mean)).toBeLessThan(0.05);
    expect(Math.abs(deviation - 1)).toBeLessThan(0.03);
    expect(most).toBeLessThanOrEqual(Math.sqrt(3));
    expect(most).toBeGreaterThan(Math.sqrt(3) * 0.99);
    const bias = weights.get(name.replace('weight', 'bias')) as Float32Array;
    expect(Math.max(...bias.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(fan));
    expect(Math.max(...bias.map(Math.abs))).toBeGreaterThan(0.9 / Math.sqrt(fan));
  });

  it('are 1 and 0 for norms', () => {
    expect(new Set(weights.get('down_modules.0.0.conv1.block.1.weight'))).toEqual(new Set([1]));
    expect(new Set(weights.get('down_modules.0.0.conv1.block.1.bias'))).toEqual(new Set([0]));
  });

  it('are normal by fan-out for the convolutions of a ResNet, by the usual rule for the layers behind it', () => {
    const shapes = [
      { name: 'rgb_encoder.backbone.5.0.conv1.weight', shape: [128, 64, 3, 3] },
      { name: 'rgb_encoder.backbone.5.0.bn1.weight', shape: [128] },
      { name: 'rgb_encoder.pool.nets.weight', shape: [32, 512, 1, 1] },
    ];
    const [conv, norm, pool] = [...initialWeights(shapes, policyRule, 1).values()] as [Float32Array, Float32Array, Float32Array];
    expect(spread(conv, Math.sqrt(2 / (128 * 9))).deviation).toBeCloseTo(1, 2);
    expect(spread(conv, Math.sqrt(2 / (128 * 9))).most).toBeGreaterThan(3.5);
    expect(new Set(norm)).toEqual(new Set([1]));
    expect(spread(pool, 1).most).toBeLessThanOrEqual(1 / Math.sqrt(512));
  });

  it('depend on the seed and on nothing else', () => {
    expect(initialWeights(UNET, policyRule, 7)).toEqual(weights);
    const other = initialWeights(UNET, policyRule, 8);
    expect(other.get('final_conv.1.weight')).not.toEqual(weights.get('final_conv.1.weight'));
    const values = [...weights.values()].filter((tensor) => tensor.length > 100 && tensor[0] !== 1 && tensor[0] !== 0);
    expect(new Set(values.map((tensor) => tensor[0])).size).toBe(values.length);
  });
});

describe('initial weights of a predictor', () => {
  const weights = initialWeights(PREDICTOR, predictorRule, 3);

  it.each([
    ['prev_action_embed.weight', 2 + 128],
    ['cond_encoder.layers.0.self_attn.in_proj_weight', 3 * 128 + 128],
    ['cond_encoder.layers.1.self_attn.out_proj.weight', 128 + 128],
    ['cross_attention_layers.1.ffn.3.weight', 256 + 128],
  ])('%s is Xavier uniform, ±√(6/%d)', (name, fans) => {
    const { deviation, most } = spread(weights.get(name) as Float32Array, Math.sqrt(2 / fans));
    expect(Math.abs(deviation - 1)).toBeLessThan(0.06);
    expect(most).toBeLessThanOrEqual(Math.sqrt(3));
    expect(most).toBeGreaterThan(Math.sqrt(3) * 0.95);
    expect(new Set(weights.get(name.replace('weight', 'bias')))).toEqual(new Set([0]));
  });

  it('are 1 and 0 for norms, and small normals for queries', () => {
    expect(new Set(weights.get('output_norm.weight'))).toEqual(new Set([1]));
    expect(new Set(weights.get('cross_attention_layers.0.norm3.bias'))).toEqual(new Set([0]));
    expect(spread(weights.get('action_query') as Float32Array, 0.02).deviation).toBeCloseTo(1, 1);
  });
});

describe('initial weights of a predictor beside an image encoder of its own', () => {
  const rows = {
    kind: 'raw',
    cameras: ['front', 'wrist'],
    vectors: ['state'],
    encoder: { features: 64, height: 96, width: 96, imagenetNorm: false },
    width: 2 * 64 + 7,
  } as const;
  const names = imagePredictorNames({ ...SHAPE, observationDim: 128 }, rows);
  const weights = initialWeights(names.parameters, besideRule(names, predictorRule), 5);

  it.each([
    // f = in · taps of a convolution, in of a linear layer: whatever of these is not the transformer's own is as PyTorch makes it.
    ['encoder.key_model_map.rgb.net.0', 3 * 9],
    ['encoder.key_model_map.rgb.net.2', 32 * 9],
    ['encoder.key_model_map.rgb.head', 128],
    ['obs_proj', 2 * 64 + 7],
  ])('%s is uniform within 1/√%d, and so is its bias', (name, fan) => {
    const { deviation, most } = spread(weights.get(`${name}.weight`) as Float32Array, 1 / Math.sqrt(3 * fan));
    expect(Math.abs(deviation - 1)).toBeLessThan(0.06);
    expect(most).toBeLessThanOrEqual(Math.sqrt(3));
    expect(most).toBeGreaterThan(Math.sqrt(3) * 0.95);
    const bias = Math.max(...(weights.get(`${name}.bias`) as Float32Array).map(Math.abs));
    expect(bias).toBeLessThanOrEqual(1 / Math.sqrt(fan));
    expect(bias).toBeGreaterThan(0.8 / Math.sqrt(fan));
  });

  it.each([
    ['model.cond_encoder.layers.1.linear1', 128 + 256],
    ['model.cross_attention_layers.1.ffn.3', 256 + 128],
  ])('%s, of the transformer, is Xavier uniform, ±√(6/%d), with a bias of 0', (name, fans) => {
    const { deviation, most } = spread(weights.get(`${name}.weight`) as Float32Array, Math.sqrt(2 / fans));
    expect(Math.abs(deviation - 1)).toBeLessThan(0.08);
    expect(most).toBeGreaterThan(Math.sqrt(3) * 0.95);
    expect(new Set(weights.get(`${name}.bias`))).toEqual(new Set([0]));
  });

  it('are small normals for queries, behind their prefix, and 1 and 0 for norms', () => {
    expect(spread(weights.get('model.action_query') as Float32Array, 0.02).deviation).toBeCloseTo(1, 1);
    expect(new Set(weights.get('model.output_norm.weight'))).toEqual(new Set([1]));
    expect(new Set(weights.get('model.output_norm.bias'))).toEqual(new Set([0]));
  });
});
