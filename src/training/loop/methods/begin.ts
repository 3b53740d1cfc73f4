import type { Method } from '../../methods/method.js';
import { MethodTraining } from '../../methods/method-training.js';
import type { TrainingStep } from '../../training-step.js';
import { initialWeights, policyRule } from '../initial-weights.js';
import type { MethodContext } from './define.js';

/** Writes what a run begins with, to the moving average too where there is one. */
export function writeInitial(
  step: TrainingStep<never>,
  initial: ReadonlyMap<string, Float32Array>,
  { ema }: Pick<MethodContext, 'ema'>,
): void {
  step.write('weights', initial);
  if (ema) step.write('ema', initial);
}

/** A method compiled, its weights drawn as those of a policy are. */
export async function beginFresh<Batch, Part extends string>(
  { device, seed, ema, precision }: Pick<MethodContext, 'device' | 'seed' | 'ema' | 'precision'>,
  method: Method<Batch, Part>,
): Promise<MethodTraining<Batch>> {
  const step = await MethodTraining.create(device, method, { ema, precision });
  writeInitial(step, initialWeights(step.parameters, policyRule, seed), { ema });
  return step;
}
