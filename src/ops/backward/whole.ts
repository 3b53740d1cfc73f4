import { asTokens, type Tensor } from '../../runtime/tensor.js';

/** Refuses a tensor that is not [b][length][channels] from the start of its buffer: kernels without layouts read nothing else. */
export function assertWhole(op: string, tensor: Tensor): void {
  const { buffer, batch, channels, length, layout } = tensor;
  const expected = asTokens(buffer, batch, length, channels).layout;
  const found = [layout.offset, layout.batchStride, layout.channelStride, layout.timeStride];
  if (found.join() !== [expected.offset, expected.batchStride, expected.channelStride, expected.timeStride].join()) {
    throw new TypeError(`${op}: expected ${batch} x ${length} tokens of ${channels} channels from the start of "${buffer.label}"`);
  }
}
