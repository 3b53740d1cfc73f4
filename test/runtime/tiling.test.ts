import { describe, expect, it } from 'vitest';
import type { DeviceClass } from '../../src/runtime/device-class.js';
import { recordConv1d, type Conv1dWeights } from '../../src/ops/conv1d.js';
import { chooseConv1dTiling, reductionInvocations } from '../../src/ops/tiling.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import { channelsFirst } from '../../src/runtime/tensor.js';

const CLASSES: readonly DeviceClass[] = ['gpu', 'software'];
const isPowerOfTwo = (value: number): boolean => Number.isInteger(Math.log2(value));

describe('the tiling of a convolution', () => {
  it('fits every device and divides the work, for every shape', () => {
    for (const deviceClass of CLASSES) {
      for (const columnMultiple of [1, 2]) {
        for (const inChannels of [1, 2, 5, 40, 132, 2048]) {
          for (const outChannels of [1, 2, 7, 64, 1000, 4096]) {
            for (const outLength of [1, 2, 4, 8, 16, 20, 31, 32, 34, 64, 100]) {
              const { columns, lanes, slices } = chooseConv1dTiling({ inChannels, outChannels, outLength, columnMultiple }, deviceClass);
              expect(lanes * slices).toBeLessThanOrEqual(256);
              expect([lanes, slices].every(isPowerOfTwo)).toBe(true);
              expect(slices).toBeLessThanOrEqual(inChannels);
              expect(columns >= 1 && columns <= 16).toBe(true);
              // A tile is everything, or begins where the pattern of a transposed convolution begins.
              expect(columns === outLength || columns % columnMultiple === 0).toBe(true);
            }
          }
        }
      }
    }
  });

  it('gives a reduction to one invocation on a software driver, and shares it on a GPU', () => {
    const shape = { inChannels: 256, outChannels: 256, outLength: 16, columnMultiple: 1 };
    expect(chooseConv1dTiling(shape, 'software').slices).toBe(1);
    expect(chooseConv1dTiling(shape, 'gpu').slices).toBeGreaterThan(1);
    expect(CLASSES.map((deviceClass) => reductionInvocations(1000, deviceClass))).toEqual([64, 8]);
    expect(CLASSES.map((deviceClass) => reductionInvocations(3, deviceClass))).toEqual([4, 4]);
  });

  it.each(CLASSES)('and the text of the kernel do not depend on the batch (%s)', (deviceClass) => {
    const buffer = { label: 'weights', size: 64 } as GPUBuffer;
    const sizes = { inChannels: 40, outChannels: 24, kernelSize: 3, transposed: false };
    const weights: Conv1dWeights = { ...sizes, storage: 'f32', weight: buffer, bias: buffer };
    const recorded = [1, 3, 17].map((batch) => {
      const builder = new PlanBuilder(deviceClass);
      builder.segment('s');
      const [x, y] = [channelsFirst(builder, 'x', batch, 40, 12), channelsFirst(builder, 'y', batch, 24, 12)];
      recordConv1d(builder, weights, { x, y, padding: 1 });
      const [dispatch] = builder.segments[0]?.dispatches ?? [];
      return { code: dispatch?.kernel.code, tiles: dispatch?.workgroups.slice(0, 2), batch: dispatch?.workgroups[2] };
    });
    expect(new Set(recorded.map(({ code }) => code)).size).toBe(1);
    expect(new Set(recorded.map(({ tiles }) => String(tiles))).size).toBe(1);
    expect(recorded.map(({ batch }) => batch)).toEqual([1, 3, 17]);
  });
});
