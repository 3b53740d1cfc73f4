import { describe, expect, it } from 'vitest';
import { type DecisionInput, type DecisionShape, REHEARSED } from '../../src/decision/decision-input.js';
import { DecisionUpload, inputLayout } from '../../src/decision/decision-upload.js';

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

describe('DecisionUpload', () => {
  const shape: DecisionShape = { batch: 2, observationSteps: 1, frameWidth: 3, horizon: 4, actionDim: 2, maxSteps: 4, maxNoiseRows: 3 };
  const layout = inputLayout(shape);
  const start = { predictionScale: 1, noiseScale: 0 };
  const rehearsal: DecisionInput = {
    observations: new Float32Array(6),
    schedule: REHEARSED,
    starts: [start, start],
    history: new Float32Array(16),
    noise: new Float32Array(16),
    stepNoise: [],
  };

  it('writes every part where the layout says, and uploads no more than the decision uses', () => {
    const upload = new DecisionUpload(shape);
    const observations = Float32Array.of(1, 2, 3, 4, 5, 6);
    expect(upload.fill({ ...rehearsal, observations })).toBe(layout.steps.offset + layout.stepStride);
    const floats = (offset: number, count: number): number[] => [...new Float32Array(upload.bytes, offset, count)];
    expect(floats(layout.observations.offset, 6)).toEqual([...observations]);
    expect(floats(layout.scales.offset, 4)).toEqual([1, 0, 1, 0]);
    expect(floats(layout.steps.offset, 10)).toEqual([0, 1, 0, 0, 1, 0, 0, 0, 0, 0]);
    expect(new Uint32Array(upload.bytes, layout.steps.offset, 12)[10]).toBe(1);
    const rows = [1, 2].map((value) => new Float32Array(16).fill(value));
    expect(upload.fill({ ...rehearsal, stepNoise: rows })).toBe(layout.stepNoise.offset + 2 * layout.noiseStride);
    expect(floats(layout.stepNoise.offset + layout.noiseStride, 16)).toEqual([...(rows[1] as Float32Array)]);
  });

  it('writes the steps of a schedule again when another one was there', () => {
    const upload = new DecisionUpload(shape);
    const [step] = REHEARSED.steps;
    const other = { ...REHEARSED, steps: [{ ...(step as (typeof REHEARSED.steps)[number]), fromX0: 5 }] };
    const fromX0 = (schedule: typeof REHEARSED): number => {
      expect(upload.fill({ ...rehearsal, schedule })).toBe(layout.steps.offset + layout.stepStride);
      return new Float32Array(upload.bytes, layout.steps.offset, 12)[4] as number;
    };
    expect([REHEARSED, REHEARSED, other, REHEARSED].map(fromX0)).toEqual([1, 1, 5, 1]);
  });

  it('refuses values of another batch, which would leave some of the decision before in place', () => {
    const short = { ...rehearsal, observations: new Float32Array(3) };
    expect(() => new DecisionUpload(shape).fill(short)).toThrow('observations of a decision must have 6 values, found 3');
    const upload = new DecisionUpload(shape);
    for (const size of [8, 32]) {
      const misfit = { ...rehearsal, stepNoise: [new Float32Array(16), new Float32Array(size)] };
      expect(() => upload.fill(misfit)).toThrow(`row 1 of step noise must have 16 values, found ${size}`);
    }
  });
});
