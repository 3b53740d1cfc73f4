import { describe, expect, it } from 'vitest';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import { asTokens, broadcast, channelRange, channelsFirst, probeTensor, type Tensor, timeRange, tokens } from '../../src/runtime/tensor.js';

/** Where value [b, c, t] lies, in elements. */
function at({ layout }: Tensor, b: number, c: number, t: number): number {
  return layout.offset + b * layout.batchStride + c * layout.channelStride + t * layout.timeStride;
}

describe('tensors', () => {
  const builder = new PlanBuilder('gpu');

  it('channels first: [b][channels][length]', () => {
    const tensor = channelsFirst(builder, 'x', 2, 3, 5);
    expect(tensor.buffer.bytes).toBe(2 * 3 * 5 * 4);
    expect(at(tensor, 1, 2, 4)).toBe(1 * 15 + 2 * 5 + 4);
  });

  it('tokens: [b][length][channels]', () => {
    const tensor = tokens(builder, 'x', 2, 5, 3);
    expect(tensor.buffer.bytes).toBe(2 * 3 * 5 * 4);
    expect([tensor.channels, tensor.length]).toEqual([3, 5]);
    expect(at(tensor, 1, 2, 4)).toBe(1 * 15 + 4 * 3 + 2);
  });

  it('lie in at least 64 KiB on lavapipe, which binds that much of them as a uniform', () => {
    const lavapipe = new PlanBuilder('lavapipe');
    expect([channelsFirst(lavapipe, 'x', 2, 3, 5), tokens(lavapipe, 'x', 2, 5, 3)].map(({ buffer }) => buffer.bytes)).toEqual([
      65_536, 65_536,
    ]);
    expect(tokens(lavapipe, 'x', 4, 64, 128).buffer.bytes).toBe(4 * 64 * 128 * 4);
    expect(at(channelsFirst(lavapipe, 'x', 2, 3, 5), 1, 2, 4), 'values lie where they lie elsewhere').toBe(1 * 15 + 2 * 5 + 4);
  });

  it('views share the buffer and address the same values', () => {
    for (const tensor of [channelsFirst(builder, 'x', 2, 6, 5), tokens(builder, 'x', 2, 5, 6)]) {
      const channels = channelRange(tensor, 2, 3);
      const columns = timeRange(channels, 1, 2);
      expect(columns.buffer).toBe(tensor.buffer);
      expect([channels.channels, columns.channels, columns.length]).toEqual([3, 3, 2]);
      expect(at(channels, 1, 2, 4)).toBe(at(tensor, 1, 4, 4));
      expect(at(columns, 1, 0, 1)).toBe(at(tensor, 1, 2, 2));
      const repeated = broadcast(tensor, 7);
      expect(repeated.batch).toBe(7);
      expect(at(repeated, 6, 3, 2)).toBe(at(tensor, 0, 3, 2));
    }
  });

  it('one buffer as one token: how a window of frames becomes a conditioning vector', () => {
    const frames = tokens(builder, 'frames', 3, 2, 18);
    const vector = asTokens(frames.buffer, 3, 1, 36);
    expect(at(vector, 2, 18 + 5, 0)).toBe(at(frames, 2, 5, 1));
  });

  it('are probed sample by sample, in the order of their layout', () => {
    const probed = new PlanBuilder('gpu', ['half']);
    probed.segment('s');
    const both = channelsFirst(probed, 'both halves', 2, 8, 4);
    probeTensor(probed, 'half', channelRange(both, 4, 4));
    expect(probed.segments[0]?.probes[0]?.ranges).toEqual([
      { offset: 64, bytes: 64 },
      { offset: 128 + 64, bytes: 64 },
    ]);
  });
});
