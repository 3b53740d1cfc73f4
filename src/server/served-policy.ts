import type { Policy } from '../policy/policy.js';

/** What a server needs of a policy. */
export type ServedPolicy = Pick<Policy, 'info' | 'beginEpisode' | 'decideAllSettled' | 'reload' | 'warmup'>;
