import { describe, expect, it } from 'vitest';
import { slotStages } from '../../src/networks/slot-unet/slot-stages.js';
import type { UnetShape } from '../../src/spec/network-shapes.js';

const base: UnetShape = {
  actionDim: 3,
  horizon: 8,
  downDims: [16, 24, 32],
  kernelSize: 5,
  groups: 8,
  stepEmbedDim: 8,
  conditioningDim: 6,
  scaleModulation: true,
};

describe('stages of a U-Net with conditioning per row', () => {
  it('every residual block belongs to one stage, in the order in which conditioning is resampled', () => {
    const stages = slotStages(base);
    expect(stages.map(({ halvings, resample }) => [halvings, resample?.name])).toEqual([
      [0, undefined],
      [1, 'down_modules.0.3'],
      [2, 'down_modules.1.3'],
      [1, 'up_modules.0.3'],
    ]);
    const names = stages.flatMap(({ blocks }) => blocks.map(({ name }) => name));
    expect(new Set(names).size).toBe(names.length);
    expect(names).toHaveLength(12);
    expect(stages[2]?.blocks.map(({ name, rows }) => [name, rows])).toEqual([
      ['down_modules.2.0', 64],
      ['down_modules.2.1', 64],
      ['mid_modules.0', 64],
      ['mid_modules.1', 64],
      ['up_modules.0.0', 48],
      ['up_modules.0.1', 48],
    ]);
    expect(slotStages({ ...base, downDims: [16] }).map(({ halvings, blocks }) => [halvings, blocks.length])).toEqual([[0, 4]]);
  });
});
