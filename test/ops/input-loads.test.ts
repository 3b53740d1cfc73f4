import { describe, expect, it } from 'vitest';
import { chooseColumnLoads, chooseInputLoads, type InputShape } from '../../src/ops/variants.js';
import type { DeviceClass } from '../../src/runtime/device-class.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import { asTokens, broadcast, channelRange, channelsFirst, type Tensor, timeRange, tokens } from '../../src/runtime/tensor.js';

/** A call that reads this tensor: by default a convolution in one tile, or over tokens a linear layer. */
function call(x: Tensor, others: Partial<InputShape> = {}): InputShape {
  const pointwise = x.layout.channelStride === 1;
  const { layout, length: inLength, channels: inChannels, batch } = x;
  return { layout, inLength, inChannels, batch, bufferBytes: x.buffer.bytes, pointwise, tileStep: undefined, ...others };
}

const vectorOf = (x: Tensor, others?: Partial<InputShape>): string => chooseInputLoads(call(x, others), 'gpu').vector;

describe('the widest loads that the layout of an input allows', () => {
  const builder = new PlanBuilder('gpu');

  it('four columns of a channel, where rows of columns begin and end at multiples of four', () => {
    const x = channelsFirst(builder, 'x', 2, 6, 8);
    expect(vectorOf(x)).toBe('time');
    expect(vectorOf(channelRange(x, 1, 3))).toBe('time');
    expect(vectorOf(timeRange(x, 4, 4))).toBe('time');
    expect(vectorOf(broadcast(x, 3))).toBe('time');
    expect(vectorOf(channelsFirst(builder, 'x', 2, 6, 6))).toBe('scalar');
    expect(vectorOf(timeRange(x, 2, 4)), 'begins in the middle of a vector').toBe('scalar');
    expect(vectorOf(timeRange(x, 4, 3)), 'ends in the middle of one').toBe('scalar');
    expect(vectorOf({ ...x, layout: { ...x.layout, batchStride: 50 } }), 'samples begin in the middle of one').toBe('scalar');
    expect(vectorOf({ ...x, layout: { ...x.layout, channelStride: 9 } }), 'channels begin in the middle of one').toBe('scalar');
  });

  it('and where every tile reads its window from the same place within a vector', () => {
    const x = channelsFirst(builder, 'x', 1, 6, 32);
    expect([4, 16, 32].map((tileStep) => vectorOf(x, { tileStep }))).toEqual(['time', 'time', 'time']);
    expect([1, 6, 15].map((tileStep) => vectorOf(x, { tileStep }))).toEqual(['scalar', 'scalar', 'scalar']);
  });

  it('four channels of a token, in linear layers whose tokens begin and end at multiples of four', () => {
    const x = tokens(builder, 'x', 2, 5, 12);
    expect(vectorOf(x)).toBe('channel');
    expect(vectorOf(x, { tileStep: 3 }), 'tiles of tokens may begin anywhere').toBe('channel');
    expect(vectorOf(channelRange(x, 4, 8))).toBe('channel');
    expect(vectorOf(timeRange(x, 1, 3))).toBe('channel');
    expect(vectorOf(asTokens(x.buffer, 2, 1, 60)), 'all of them as one vector').toBe('channel');
    expect(vectorOf(x, { pointwise: false }), 'a convolution over tokens').toBe('scalar');
    expect(vectorOf(channelRange(x, 2, 8)), 'begins in the middle of a vector').toBe('scalar');
    expect(vectorOf(channelRange(x, 4, 6)), 'ends in the middle of one').toBe('scalar');
    expect(vectorOf(tokens(builder, 'x', 2, 5, 10))).toBe('scalar');
  });
});

describe('the address space of an input', () => {
  const spaces = (x: (builder: PlanBuilder) => Tensor): string[] =>
    (['gpu', 'lavapipe', 'software'] as const satisfies DeviceClass[]).map((deviceClass) => {
      return chooseInputLoads(call(x(new PlanBuilder(deviceClass))), deviceClass).space;
    });

  it('is uniform on lavapipe alone, and there for vectors alone', () => {
    expect(spaces((builder) => channelsFirst(builder, 'x', 2, 6, 8))).toEqual(['storage', 'uniform', 'storage']);
    expect(spaces((builder) => tokens(builder, 'x', 2, 6, 8))).toEqual(['storage', 'uniform', 'storage']);
    expect(spaces((builder) => channelsFirst(builder, 'x', 2, 6, 7))).toEqual(['storage', 'storage', 'storage']);
  });

  it('is storage where what is read ends beyond 64 KiB of the buffer', () => {
    const ends = (channels: number, view: (x: Tensor) => Tensor = (x) => x): string =>
      spaces((builder) => view(channelsFirst(builder, 'x', 4, channels, 16)))[1] as string;
    expect(ends(256), 'exactly 64 KiB').toBe('uniform');
    expect(ends(257)).toBe('storage');
    const oneSample = (x: Tensor): Tensor => ({ ...x, batch: 1 });
    expect(ends(1024, oneSample), 'the first sample alone').toBe('uniform');
    expect(ends(2048, (x) => oneSample(channelRange(x, 0, 1024)))).toBe('uniform');
    expect(ends(2048, (x) => oneSample(channelRange(x, 4, 1024)))).toBe('storage');
  });

  it('is storage where the buffer is smaller than the binding', () => {
    const x = channelsFirst(new PlanBuilder('gpu'), 'x', 1, 4, 8);
    expect([65_532, 65_536].map((bufferBytes) => chooseInputLoads(call(x, { bufferBytes }), 'lavapipe').space)).toEqual([
      'storage',
      'uniform',
    ]);
  });
});

describe('how a norm loads four columns', () => {
  const loads = (channels: number, length: number, batch: number, order: typeof channelsFirst | 'tokens' = channelsFirst): string[] =>
    (['gpu', 'lavapipe', 'software'] as const satisfies DeviceClass[]).map((deviceClass) => {
      const builder = new PlanBuilder(deviceClass);
      const x = order === 'tokens' ? tokens(builder, 'x', batch, length, channels) : order(builder, 'x', batch, channels, length);
      return chooseColumnLoads(x, deviceClass);
    });

  it('at once on lavapipe alone, where columns lie side by side', () => {
    expect(loads(8, 8, 2)).toEqual(['scalar', 'uniform', 'scalar']);
    expect(loads(8, 6, 2)).toEqual(['scalar', 'scalar', 'scalar']);
    expect(loads(8, 8, 2, 'tokens')).toEqual(['scalar', 'scalar', 'scalar']);
  });

  it('from storage for a batch beyond 64 KiB, and still by fours: sums keep their order', () => {
    expect([1, 4, 5, 64].map((batch) => loads(256, 16, batch)[1])).toEqual(['uniform', 'uniform', 'storage', 'storage']);
    expect(
      [1, 2].map((batch) => loads(256, 65, batch)[1]),
      'whatever the batch',
    ).toEqual(['scalar', 'scalar']);
  });
});
