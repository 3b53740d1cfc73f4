import { checkMethods } from '../foundation/options.js';
import type { Policy } from '../policy/policy.js';
import type { PolicyService } from '../server/policy-service.js';
import type { ServedPolicy } from '../server/served-policy.js';

/** How a server ends. */
export interface Lifecycle {
  /** Resolves when it was closed; rejects where it ended by itself. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

const METHODS = ['beginEpisode', 'decideAllSettled', 'reload', 'warmup'];

/**
 * A policy that a program handed over, loaded or about to be. `fits` throws where it cannot be served.
 * @throws OptionError for what is no policy; where it comes later, its promise rejects.
 */
export function givenPolicy(
  where: string,
  policy: Policy | Promise<Policy>,
  fits: (policy: ServedPolicy) => void = () => {},
): ServedPolicy | Promise<ServedPolicy> {
  const check = (given: ServedPolicy): ServedPolicy => {
    checkMethods(where, 'policy', given, 'a policy', METHODS);
    fits(given);
    return given;
  };
  const given: unknown = policy;
  if (typeof given !== 'object' || given === null || !('then' in given)) return check(policy as Policy);
  const coming = Promise.resolve(policy).then(check);
  // Whoever waits for the server is told.
  coming.catch(() => {});
  return coming;
}

/** A server ends when its owner closes it, or when its policy fails; `shut` is called once. */
export function lifecycleOf(service: PolicyService, shut: () => Promise<void>): Lifecycle {
  let shutting: Promise<void> | undefined;
  const once = (): Promise<void> => (shutting ??= shut());
  let settle = (): void => {};
  const closedByOwner = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const failed = service.failure.catch(async (error: unknown) => {
    await once();
    throw error;
  });
  const closed = Promise.race([closedByOwner, failed]);
  closed.catch(() => {});
  return {
    closed,
    close: async () => {
      await once();
      settle();
    },
  };
}

/** Waits for work, but no longer than that. */
export async function withinMs(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
