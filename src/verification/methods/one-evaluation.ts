import type { Decision } from '../../policy/policy.js';
import type { StrategyOptions } from '../../strategies/strategy-options.js';
import type { MethodRun } from './define.js';
import { chunksOf, decideBatch } from './one-batch.js';

/** Decides over the case's batch, and again without the clamp: what that returns is the chunk before it. */
export async function decideUnclamped(
  { golden, policy }: MethodRun,
  strategy: StrategyOptions,
): Promise<{ readonly decisions: readonly Decision[]; readonly unclamped: Float32Array }> {
  const decisions = await decideBatch(golden, policy);
  policy.useStrategy({ ...strategy, clip: null } as StrategyOptions);
  const unclamped = chunksOf(await decideBatch(golden, policy));
  policy.useStrategy(strategy);
  return { decisions, unclamped };
}
