import { DeviceLimitError } from '../foundation/errors.js';
import { createBuffer, MAP_READ, USAGE } from './buffers.js';
import type { DispatchInfo, Plan, SegmentRun } from './plan.js';

/** The time of one dispatch on the device. */
export interface DispatchTiming extends DispatchInfo {
  /** From the beginning of its pass to the end, in nanoseconds. */
  readonly gpuNs: number;
}

/** One replay of a plan, dispatch by dispatch. */
export interface PlanTiming {
  readonly dispatches: readonly DispatchTiming[];
  /** From the beginning of the first pass to the end of the last one: the dispatches and what lies between them. */
  readonly gpuNs: number;
  /** From the submit to the timestamps in JavaScript. */
  readonly wallMs: number;
}

/** WebGPU's largest query set. */
const MAX_QUERIES = 4096;
const TIMESTAMP_BYTES = 8;
/** GPUBufferUsage.QUERY_RESOLVE; the global is not there in every runtime. */
const QUERY_RESOLVE = 0x200;

/**
 * Replays segments of a plan and measures every dispatch with timestamps, in a command buffer of its own. Every dispatch
 * becomes a pass of its own, which costs time between them and keeps neighbours from overlapping: measure a decision as a
 * whole in another run. `before` is encoded first, untimed.
 * The device must have been opened with `timing`. Browsers, and Dawn without that option, round timestamps to 65 µs.
 * @throws DeviceLimitError where the device has no timestamps.
 * @internal
 */
export async function timeRuns(
  plan: Plan,
  runs: readonly SegmentRun[],
  before?: (encoder: GPUCommandEncoder) => void,
): Promise<PlanTiming> {
  const { device } = plan;
  const { gpuDevice } = device;
  if (!gpuDevice.features.has('timestamp-query')) {
    throw new DeviceLimitError(
      device.adapterFeatures.has('timestamp-query')
        ? 'dispatches can be timed on a device with the feature timestamp-query, this one was opened without it: open it with timing: true.'
        : `dispatches cannot be timed: adapter "${device.adapter.description}" has no feature timestamp-query. Use another adapter.`,
    );
  }
  const count = runs.reduce((sum, { segment }) => sum + plan.dispatchCount(segment), 0);
  const bytes = 2 * count * TIMESTAMP_BYTES;
  const resolved = await createBuffer(device, 'timestamps', bytes, QUERY_RESOLVE | USAGE.copySource);
  const readback = await createBuffer(device, 'timestamps read back', bytes, USAGE.mapRead | USAGE.copyDestination);
  const querySets: GPUQuerySet[] = [];
  for (let first = 0; first < 2 * count; first += MAX_QUERIES) {
    querySets.push(gpuDevice.createQuerySet({ label: 'timestamps', type: 'timestamp', count: Math.min(MAX_QUERIES, 2 * count - first) }));
  }
  try {
    const encoder = gpuDevice.createCommandEncoder({ label: 'timed plan' });
    before?.(encoder);
    const dispatches: DispatchInfo[] = [];
    plan.encodeSeparately(encoder, runs, (dispatch) => {
      const query = 2 * dispatches.push(dispatch) - 2;
      const begin = query % MAX_QUERIES;
      const querySet = querySets[(query - begin) / MAX_QUERIES] as GPUQuerySet;
      return { timestampWrites: { querySet, beginningOfPassWriteIndex: begin, endOfPassWriteIndex: begin + 1 } };
    });
    querySets.forEach((set, index) => encoder.resolveQuerySet(set, 0, set.count, resolved, index * MAX_QUERIES * TIMESTAMP_BYTES));
    encoder.copyBufferToBuffer(resolved, 0, readback, 0, bytes);
    const started = performance.now();
    gpuDevice.queue.submit([encoder.finish()]);
    await device.settle(readback.mapAsync(MAP_READ));
    const times = new BigUint64Array(readback.getMappedRange(0, bytes).slice(0));
    const wallMs = performance.now() - started;
    const between = (first: number, last: number): number => Number((times[last] ?? 0n) - (times[first] ?? 0n));
    return {
      dispatches: dispatches.map((dispatch, index) => ({ ...dispatch, gpuNs: between(2 * index, 2 * index + 1) })),
      gpuNs: between(0, 2 * count - 1),
      wallMs,
    };
  } finally {
    for (const resource of [...querySets, resolved, readback]) resource.destroy();
  }
}
