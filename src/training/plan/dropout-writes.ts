import { OptionError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';
import { type DropoutDraw, type DropoutPlan, dropoutWords, packMasks } from '../../ops/backward/dropout.js';
import type { BufferHandle } from '../../runtime/plan-builder.js';
import type { PredictorDropout } from '../training-step.js';

/** What a step writes besides its batch so that it drops as it was told: recorded masks, and the key or the probability. @throws OptionError. */
export function dropoutWrites(
  plan: DropoutPlan,
  dropout: PredictorDropout | null,
): readonly (readonly [BufferHandle, Uint32Array<ArrayBuffer>])[] {
  const words = dropoutWords(checkedDropout(dropout));
  const masks = dropout && 'masks' in dropout ? dropout.masks : undefined;
  return [...(masks ? [[plan.masks, packMasks(plan, masks)] as const] : []), [plan.uniform, words]];
}

/** @throws OptionError for a probability, seed or step that cannot be. */
function checkedDropout(dropout: PredictorDropout | null): DropoutDraw {
  if (dropout === null) return { probability: 0 };
  const { probability } = dropout;
  if (typeof probability !== 'number' || !(probability >= 0 && probability < 1)) {
    throw new OptionError(`batch.dropout.probability: expected a number from 0 to below 1, found ${shownValue(probability)}.`);
  }
  if ('masks' in dropout) return { probability, recorded: true };
  const { seed, step } = dropout;
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new OptionError(`batch.dropout.seed: expected an integer from 0 to 2^53 − 1, found ${shownValue(seed)}.`);
  }
  if (!Number.isInteger(step) || step < 0 || step >= 2 ** 32) {
    throw new OptionError(`batch.dropout.step: expected an integer from 0 to 2^32 − 1, found ${shownValue(step)}.`);
  }
  return { probability, seed, step };
}
