import { recordUnetBackward, recordUnetForward } from '../unet/record.js';
import type { Method } from './method.js';
import { type SlotBatch, type SlotOptions, type SlotPart, slotDiffusion } from './slot-diffusion.js';
import { methodUnet, slotLevels } from './unet-network.js';

/** A batch of streaming diffusion. */
export type StreamingBatch = SlotBatch;

/**
 * Streaming Diffusion Policy: every row of a chunk has a noise level of its own, whose sinusoids lie side by side in front of the encoder of
 * levels; the loss is the mean square over all rows, those of the past and of the incomplete tail included
 * (tedi_unet_lowdim_policy.py).
 */
export function streamingDiffusion(options: SlotOptions): Method<StreamingBatch, SlotPart> {
  const { shape } = options;
  return slotDiffusion(options, {
    network: methodUnet({ ...shape, levels: slotLevels(shape.horizon) }),
    sinusoids: [1, shape.horizon],
    forward: (recorder, sample) => {
      const [sinusoids, conditioning] = [recorder.rows('sinusoids'), recorder.rows('conditioning')];
      const tape = recordUnetForward(recorder, shape, { sample, sinusoids, conditioning });
      return { output: tape.output, backward: (doutput) => void recordUnetBackward(recorder, tape, doutput) };
    },
  });
}
