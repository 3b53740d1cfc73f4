import { expectTypeOf } from 'vitest';
import type { DecisionSource } from '../../src/entries/control.js';
import { openPolicyWorker, type PolicyWorker, type runPolicyWorker } from '../../src/entries/worker.js';
import type { loadPolicy } from '../../src/platform/surface.js';

// A control loop takes a policy in a worker, and a worker takes the package's own `loadPolicy`.
expectTypeOf<PolicyWorker>().toExtend<DecisionSource>();
expectTypeOf<typeof loadPolicy>().toExtend<Parameters<typeof runPolicyWorker>[1]>();
expectTypeOf(openPolicyWorker).returns.resolves.toEqualTypeOf<PolicyWorker>();
