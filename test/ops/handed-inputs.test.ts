import { describe, expect, it } from 'vitest';
import type { ConvGeometry } from '../../kernels/conv/taps.js';
import { chooseHandedInput, type HandedProblem } from '../../src/ops/handed-inputs.js';
import { chooseConv1dTiling } from '../../src/ops/variants.js';

const LAVAPIPE = { deviceClass: 'lavapipe', subgroupSize: 8 } as const;

const same = (length: number, kernelSize = 5): ConvGeometry => ({
  kernelSize,
  stride: 1,
  padding: (kernelSize - 1) / 2,
  transposed: false,
  inLength: length,
  outLength: length,
});

function problem(geometry: ConvGeometry, others: Partial<HandedProblem> = {}): HandedProblem {
  const inChannels = others.inChannels ?? 512;
  const columnMultiple = geometry.transposed ? geometry.stride : 1;
  const tiling = chooseConv1dTiling({ inChannels, outChannels: 64, outLength: geometry.outLength, columnMultiple }, 'lavapipe');
  return { geometry, tiling, storage: 'f32', inVector: 'time', inChannels, ...others };
}

const channels = (geometry: ConvGeometry, others?: Partial<HandedProblem>): number | undefined =>
  chooseHandedInput(problem(geometry, others), LAVAPIPE)?.channels;

describe('inputs that a subgroup loads together', () => {
  it('are a matter of lavapipe alone, where subgroups are no larger than the workgroup', () => {
    const of = (target: Parameters<typeof chooseHandedInput>[1]): unknown => chooseHandedInput(problem(same(4)), target);
    expect(of(LAVAPIPE)).toEqual({ subgroup: 8, channels: 2 });
    expect(of({ deviceClass: 'lavapipe', subgroupSize: 4 })).toEqual({ subgroup: 4, channels: 2 });
    expect(of({ deviceClass: 'lavapipe' }), 'no subgroups').toBeUndefined();
    expect(of({ deviceClass: 'lavapipe', subgroupSize: 16 }), 'half a subgroup would be missing').toBeUndefined();
    expect(of({ deviceClass: 'software', subgroupSize: 4 })).toBeUndefined();
    expect(of({ deviceClass: 'gpu', subgroupSize: 8 })).toBeUndefined();
  });

  it('are not handed round among slices, whose turns are of different channels', () => {
    const tiling = { columns: 4, lanes: 8, slices: 2 };
    expect(chooseHandedInput({ ...problem(same(4)), tiling }, LAVAPIPE)).toBeUndefined();
  });

  it('are of more channels where a channel has few products, inputs and weights', () => {
    expect(
      [4, 8, 16, 48].map((length) => channels(same(length))),
      '14, 34, 74 and 80 products a channel',
    ).toEqual([2, 1, 1, 1]);
    expect(
      [4, 8, 16].map((length) => channels(same(length, 1))),
      'one product a column',
    ).toEqual([8, 4, 2]);
    expect(channels(same(1, 1)), 'as many weights as inputs').toBe(16);
    const strided = { kernelSize: 3, stride: 2, padding: 1, transposed: false, inLength: 8, outLength: 4 };
    expect(channels(strided), '11 products').toBe(2);
    const transposed = { kernelSize: 4, stride: 2, padding: 1, transposed: true, inLength: 4, outLength: 8 };
    expect(channels(transposed), '14 products').toBe(2);
  });

  it('are of whole groups of channels, and of no channel past the last one unless a group is', () => {
    expect(channels(same(16), { storage: 'int8' }), 'one group of four channels').toBe(4);
    expect(channels(same(4, 1), { storage: 'int8' })).toBe(8);
    expect(channels(same(4, 1), { storage: 'f16' })).toBe(8);
    expect(channels(same(4, 1), { inVector: 'channel' })).toBe(8);
    expect(channels(same(4, 1), { inChannels: 12, inVector: 'channel' })).toBe(4);
    expect(channels(same(4, 1), { inChannels: 6 })).toBe(2);
    expect(channels(same(4, 1), { inChannels: 7 })).toBe(1);
    expect(channels(same(4, 1), { inChannels: 7, storage: 'int8' }), 'the last group is not full').toBe(4);
  });
});
