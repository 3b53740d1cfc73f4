import { describe, expect, it } from 'vitest';
import { unetTensorShapes } from '../../src/checkpoints/lerobot/unet-tensors.js';
import type { UnetShape } from '../../src/spec/network-shapes.js';

const LARGE: UnetShape = {
  actionDim: 10,
  horizon: 16,
  downDims: [512, 1024, 2048],
  kernelSize: 5,
  groups: 8,
  stepEmbedDim: 128,
  conditioningDim: 46,
  scaleModulation: true,
};

function count(config: UnetShape): number {
  return [...unetTensorShapes(config).values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

describe('unetTensorShapes', () => {
  it('has the published tensor and parameter counts', () => {
    expect(unetTensorShapes(LARGE).size).toBe(148);
    expect(count(LARGE)).toBe(249_074_826);
    expect(count({ ...LARGE, actionDim: 2, conditioningDim: 132 })).toBe(251_511_938);
    const small = { ...LARGE, downDims: [256, 512, 1024], stepEmbedDim: 256 };
    expect(count({ ...small, actionDim: 2, conditioningDim: 40 })).toBe(65_783_298);
  });

  it('follows levels, kernel size and modulation', () => {
    const shapes = unetTensorShapes({ ...LARGE, downDims: [16, 16], kernelSize: 3, scaleModulation: false });
    expect(shapes.get('down_modules.0.0.conv1.block.0.weight')).toEqual([16, 10, 3]);
    expect(shapes.get('down_modules.0.0.cond_encoder.1.weight')).toEqual([16, 174]);
    expect(shapes.get('down_modules.0.0.residual_conv.weight')).toEqual([16, 10, 1]);
    // Equal widths need no residual convolution; the last level does not downsample, every up level upsamples.
    expect(shapes.has('down_modules.1.0.residual_conv.weight')).toBe(false);
    expect(shapes.has('down_modules.1.2.weight')).toBe(false);
    expect(shapes.get('up_modules.0.0.conv1.block.0.weight')).toEqual([16, 32, 3]);
    expect(shapes.get('up_modules.0.2.weight')).toEqual([16, 16, 4]);
    expect(shapes.has('up_modules.1.0.conv1.block.0.weight')).toBe(false);
    expect(shapes.get('final_conv.1.weight')).toEqual([10, 16, 1]);
  });
});
