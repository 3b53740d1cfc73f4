import { compilePlan } from '../../src/runtime/compile-plan.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { Dispatch } from '../../src/runtime/plan-builder.js';
import { timeRuns } from '../../src/runtime/timing.js';
import type { Case } from './cases.js';
import { weightTargets } from './decision.js';
import { fillBuffers } from './fill.js';
import type { RecordedDecision } from './network.js';
import type { PrecisionRecord, Timing } from './record.js';
import { describeSamples, rounded } from './statistics.js';

const LEAST_DECISIONS = 3;

/**
 * Times every dispatch inside whole decisions by the device's own clock: with the weights, caches and neighbours that it
 * really has, without what lies between dispatches.
 */
export async function timeCases(
  device: ComputeDevice,
  recorded: RecordedDecision,
  cases: readonly Case[],
  seconds: number,
): Promise<Pick<PrecisionRecord, 'decision' | 'cases'>> {
  await fillBuffers(device, weightTargets(recorded));
  const plan = await compilePlan(device, recorded.builder);
  try {
    const segments = new Map(recorded.builder.segments.map(({ name, dispatches }) => [name, dispatches]));
    const order = recorded.runs.flatMap(({ segment }) => segments.get(segment) ?? []);
    const samples = new Map<Dispatch, number[]>(order.map((dispatch) => [dispatch, []]));
    const decisions: number[] = [];
    await timeRuns(plan, recorded.runs);
    const end = performance.now() + seconds * 1000;
    while (decisions.length < LEAST_DECISIONS || performance.now() < end) {
      const { dispatches, gpuNs } = await timeRuns(plan, recorded.runs);
      decisions.push(gpuNs / 1e6);
      dispatches.forEach((timing, index) => samples.get(order[index] as Dispatch)?.push(timing.gpuNs / 1e6));
    }
    return {
      decision: timing(decisions),
      cases: cases.map(({ dispatches, ...rest }) => ({
        ...rest,
        chain: 1,
        rotation: dispatches.length,
        dispatch: timing(dispatches.flatMap((dispatch) => samples.get(dispatch) ?? [])),
      })),
    };
  } finally {
    plan.destroy();
  }
}

function timing(samples: readonly number[]): Timing {
  return { ...describeSamples(samples), samplesMs: rounded(samples) };
}
