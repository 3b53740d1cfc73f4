import { describe, expect, it, vi } from 'vitest';
import { DeviceLimitError } from '../../src/foundation/errors.js';
import { recordAttention } from '../../src/ops/attention.js';
import { recordCastRays } from '../../src/ops/cast-rays.js';
import { type Conv1dWeights, recordConv1d } from '../../src/ops/conv1d.js';
import { type NormWeights, recordGroupNorm, recordLayerNorm } from '../../src/ops/norm.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import { channelsFirst, tokens } from '../../src/runtime/tensor.js';

/** Recording touches no device: weights without a buffer are enough to see what is refused. */
const buffer = { label: 'weights', size: 1024 } as GPUBuffer;

function builder(): PlanBuilder {
  const made = new PlanBuilder('software');
  made.segment('test');
  return made;
}

const conv = (inChannels: number, outChannels: number, kernelSize: number): Conv1dWeights => ({
  weight: buffer,
  bias: buffer,
  inChannels,
  outChannels,
  kernelSize,
  transposed: false,
  storage: 'f32',
  place: 'buffer',
  bytes: 64,
});

describe('recording refuses tensors that do not belong together', () => {
  it('conv1d: channels, length and batch', () => {
    const plan = builder();
    const x = channelsFirst(plan, 'x', 2, 3, 8);
    const record = (weights: Conv1dWeights, batch: number, channels: number, length: number) => () =>
      recordConv1d(plan, weights, { x, y: channelsFirst(plan, 'y', batch, channels, length), padding: 1 });
    expect(record(conv(3, 5, 3), 2, 5, 8)).not.toThrow();
    expect(record(conv(4, 5, 3), 2, 5, 8)).toThrow(/weights 4 -> 5.*x is 2x3x8/);
    expect(record(conv(3, 5, 3), 2, 4, 8)).toThrow(/y is 2x4x8/);
    expect(record(conv(3, 5, 3), 2, 5, 7)).toThrow(/output length 8.*y is 2x5x7/);
    expect(record(conv(3, 5, 3), 1, 5, 8)).toThrow(/y is 1x5x8/);
  });

  it('norms: channels, groups and length', () => {
    const plan = builder();
    const weights: NormWeights = { gamma: buffer, beta: buffer, channels: 6 };
    const x = channelsFirst(plan, 'x', 1, 6, 4);
    const y = channelsFirst(plan, 'y', 1, 6, 4);
    expect(() => recordGroupNorm(plan, weights, { x, y, groups: 3 })).not.toThrow();
    expect(() => recordGroupNorm(plan, weights, { x, y, groups: 4 })).toThrow(/6 channels in 4 groups/);
    expect(() => recordGroupNorm(plan, { ...weights, channels: 5 }, { x, y, groups: 5 })).toThrow(/5 channels/);
    expect(() => recordLayerNorm(plan, weights, x, channelsFirst(plan, 'y', 1, 6, 5))).toThrow(/y is 6x5/);
  });

  it('attention: heads that do not divide the channels, k and v apart, more keys than fit', () => {
    const plan = builder();
    const q = tokens(plan, 'q', 1, 4, 6);
    const attend =
      (heads: number, keys: number, apart = false) =>
      () => {
        const k = tokens(plan, 'k', 1, keys, 6);
        recordAttention(plan, { heads, q, k, v: apart ? tokens(plan, 'v', 1, keys, 6) : k, y: tokens(plan, 'y', 1, 4, 6) });
      };
    expect(attend(2, 2048)).not.toThrow();
    expect(attend(4, 8)).toThrow(TypeError);
    expect(attend(2, 8, true)).toThrow(TypeError);
    expect(attend(2, 2049)).toThrow(DeviceLimitError);
  });

  it('cast_rays: pictures of more than 65 535 workgroups are drawn in rows of them', () => {
    const plan = builder();
    const dispatch = vi.spyOn(plan, 'dispatch');
    const range = (bytes: number) => ({ buffer: plan.buffer('any', bytes), offset: 0, bytes });
    const record = (height: number, width: number, count: number): void =>
      recordCastRays(plan, { scenes: range(count * 4 * (24 + 20)), pictures: range(count * height * width * 4), count, height, width });
    record(2160, 3840, 2);
    record(96, 96, 3);
    expect(dispatch.mock.calls.map(([, , workgroups]) => workgroups)).toEqual([
      [64_800, 2, 2],
      [144, 1, 3],
    ]);
  });

  it('a batch beyond the workgroups of a dimension names the remedy', () => {
    const plan = builder();
    const x = channelsFirst(plan, 'x', 65_536, 1, 1);
    const y = channelsFirst(plan, 'y', 65_536, 1, 1);
    expect(() => recordConv1d(plan, conv(1, 1, 1), { x, y })).toThrow(/smaller batch/);
  });
});
