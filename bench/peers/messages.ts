import type { EngineDetails, EngineSpec } from './engine.js';
import type { Workload } from './networks.js';

/** What a worker is asked to do; it answers every request with one reply, in order. */
export type Request =
  | { readonly kind: 'open'; readonly spec: EngineSpec }
  | { readonly kind: 'run'; readonly workload: Workload; readonly runs: number };

export type Reply =
  | { readonly kind: 'opened'; readonly details: EngineDetails; readonly openMs: number }
  | { readonly kind: 'ran'; readonly samples: readonly number[]; readonly output: Float32Array }
  | { readonly kind: 'failed'; readonly message: string };
