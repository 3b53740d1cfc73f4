import {
  SLOT_CONDITIONING_SIZES,
  SLOT_CONDITIONING_WORKGROUP,
  slotConditioningKernel,
} from '../../kernels/sampling/slot-conditioning.wgsl.js';
import type { BufferHandle, PlanBuilder } from '../runtime/plan-builder.js';
import { sameShape, type Tensor } from '../runtime/tensor.js';

/**
 * Records y[b, j] = [embeddings[j]; conditioning[b]] and activated = mish(y) for every slot j.
 * embeddings: f32 [slots][E]; conditioning: one token [G] a sample; y and activated: tokens [b][slots][E + G].
 */
export function recordSlotConditioning(
  builder: PlanBuilder,
  embeddings: BufferHandle,
  conditioning: Tensor,
  y: Tensor,
  activated: Tensor,
): void {
  const width = y.channels - conditioning.channels;
  const isPlain = [y, activated].every(
    ({ layout, channels }) => layout.offset === 0 && layout.channelStride === 1 && layout.timeStride === channels,
  );
  if (width <= 0 || conditioning.length !== 1 || conditioning.batch !== y.batch || !sameShape(y, activated) || !isPlain) {
    throw new TypeError(
      `slot conditioning: tokens of ${conditioning.channels}, one a sample of ${conditioning.batch}, do not make ${y.batch}x${y.length} tokens of ${y.channels}`,
    );
  }
  const elements = y.batch * y.length * y.channels;
  const sizes: Record<(typeof SLOT_CONDITIONING_SIZES)[number], number> = {
    elements,
    slots: y.length,
    embedding_width: width,
    observation_width: conditioning.channels,
  };
  builder.dispatch(
    slotConditioningKernel(),
    [
      builder.shape(SLOT_CONDITIONING_SIZES.map((name) => sizes[name])),
      { buffer: embeddings },
      { buffer: conditioning.buffer },
      { buffer: y.buffer },
      { buffer: activated.buffer },
    ],
    [Math.ceil(elements / SLOT_CONDITIONING_WORKGROUP), 1, 1],
  );
}
