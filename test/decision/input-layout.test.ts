import { describe, expect, it } from 'vitest';
import { type DecisionShape, inputLayout } from '../../src/decision/input-layout.js';

const SHAPES: readonly DecisionShape[] = [
  { batch: 1, observationSteps: 2, frameWidth: 18, horizon: 16, actionDim: 2, maxSteps: 16, maxNoiseRows: 0 },
  { batch: 3, observationSteps: 1, frameWidth: 1, horizon: 8, actionDim: 1, maxSteps: 1, maxNoiseRows: 0 },
  { batch: 33, observationSteps: 3, frameWidth: 77, horizon: 64, actionDim: 14, maxSteps: 100, maxNoiseRows: 99 },
];

describe('inputLayout', () => {
  it.each(SHAPES)('has room for every part, at offsets that can be bound, without overlap: %o', (shape) => {
    const layout = inputLayout(shape);
    const { batch, observationSteps, frameWidth, horizon, actionDim, maxSteps, maxNoiseRows } = shape;
    const chunkBytes = batch * horizon * actionDim * 4;
    expect(layout.observations.bytes).toBe(batch * observationSteps * frameWidth * 4);
    expect([layout.history.bytes, layout.noise.bytes]).toEqual([chunkBytes, chunkBytes]);
    expect(layout.scales.bytes).toBe(batch * 8);
    expect(layout.steps.bytes).toBe(maxSteps * layout.stepStride);
    expect(layout.stepNoise.bytes).toBe(Math.max(1, maxNoiseRows) * layout.noiseStride);
    expect(layout.noiseStride).toBeGreaterThanOrEqual(chunkBytes);

    const { observations, history, noise, scales, steps, stepNoise } = layout;
    const parts = [observations, history, noise, scales, steps, stepNoise];
    let end = 0;
    for (const { offset, bytes } of parts) {
      expect(offset % 256).toBe(0);
      expect(offset).toBeGreaterThanOrEqual(end);
      end = offset + bytes;
    }
    expect(end).toBeLessThanOrEqual(layout.bytes);
    for (const stride of [layout.stepStride, layout.noiseStride, layout.bytes]) expect(stride % 256).toBe(0);
  });

  it('puts what varies in length last, so that a short decision uploads little', () => {
    const short = inputLayout(SHAPES[0] as DecisionShape);
    const long = inputLayout({ ...(SHAPES[0] as DecisionShape), maxSteps: 100, maxNoiseRows: 99 });
    expect(long.steps.offset).toBe(short.steps.offset);
    expect(long.stepNoise.offset).toBe(long.steps.offset + long.steps.bytes);
  });
});
