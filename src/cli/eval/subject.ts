import type { Task, TaskKind } from '../../envs/environment.js';
import { OptionError } from '../../foundation/errors.js';
import type { NamedStrategy } from '../../strategies/strategy-options.js';
import type { Fingerprint } from './fingerprint.js';
import type { RecordedPolicy } from './run-evaluation.js';

/** What is evaluated: the policy of a checkpoint on a device, or one of demonstrations. */
export interface EvaluationSubject {
  /** The task for it. Nothing that takes long was read yet. @throws OptionError where task, policy and strategies do not go together. */
  taskFor(kind: TaskKind, strategies: readonly NamedStrategy[]): Promise<Task>;
  /** Why it cannot run a strategy, e.g. for want of a network; undefined where it can. @throws CheckpointError. */
  whyNot(strategy: NamedStrategy): Promise<string | undefined>;
  /** What who evaluates it on these seeds should know; undefined where nothing is to be said. */
  noteOn?(seed: number, episodes: number): string | undefined;
  /** Loads it for the time of a task. */
  use<T>(signal: AbortSignal, then: (policy: RecordedPolicy, fingerprint: Fingerprint) => Promise<T>): Promise<T>;
}

/** What a check refuses, in its words; undefined where it refuses nothing. */
export async function refusal(check: () => unknown): Promise<string | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    if (error instanceof OptionError) return error.message;
    throw error;
  }
}
