import { recordSlotConditioning, recordSlotConditioningBackward } from '../slot-unet/conditioning.js';
import { slotUnet } from '../slot-unet/parameters.js';
import { recordBlocksBackward, recordBlocksForward } from '../unet/record.js';
import type { Method } from './method.js';
import { type SlotBatch, type SlotOptions, type SlotPart, slotDiffusion } from './slot-diffusion.js';

/** A batch of RNR-DP; its own code has one vector of levels for all samples. */
export type RelayingBatch = SlotBatch;

/**
 * RNR-DP: every row of a chunk has a noise level and a vector of conditioning of its own; the loss is the mean square over all rows (Agent.compute_loss
 * of its release).
 */
export function noiseRelaying(options: SlotOptions): Method<RelayingBatch, SlotPart> {
  const { shape } = options;
  return slotDiffusion(options, {
    network: slotUnet(shape),
    sinusoids: [shape.horizon, 1],
    forward: (recorder, sample) => {
      const conditioning = recordSlotConditioning(recorder, shape, recorder.rows('sinusoids'), recorder.rows('conditioning'));
      const film = (name: string) => {
        const found = conditioning.films.get(name);
        if (!found) throw new TypeError(`no FiLM values for block ${name}`);
        return found;
      };
      const tape = recordBlocksForward(recorder, shape, film, sample);
      return {
        output: tape.output,
        backward: (doutput) => {
          recordBlocksBackward(recorder, tape, doutput, false);
          recordSlotConditioningBackward(recorder, shape, conditioning);
        },
      };
    },
  });
}
