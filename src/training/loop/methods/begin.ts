import type { Method } from '../../methods/method.js';
import { MethodTraining } from '../../methods/method-training.js';
import { initialWeights, policyRule, writeInitial } from '../initial-weights.js';
import type { MethodContext } from './define.js';

/** A method compiled, its weights drawn as those of a policy are. */
export async function beginFresh<Batch, Part extends string>(
  { device, seed, ema, precision }: Pick<MethodContext, 'device' | 'seed' | 'ema' | 'precision'>,
  method: Method<Batch, Part>,
): Promise<MethodTraining<Batch>> {
  const step = await MethodTraining.create(device, method, { ema, precision });
  writeInitial(step, initialWeights(step.parameters, policyRule, seed), ema);
  return step;
}
