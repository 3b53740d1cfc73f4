import type { ComputeDevice } from '../../src/runtime/device.js';
import type { Plan, SegmentRun } from '../../src/runtime/plan.js';

/** Runs shorter than this are mostly fence, longer ones give too few samples. */
const GPU_RUN_MS = 3;
const SOFTWARE_RUN_MS = 30;
const LONGEST = 512;
/** Dispatches per submit: the device works on the first ones while the host still hands over the others. */
const SUBMIT = 32;

/**
 * Encodes runs of a plan, then submits them and waits. Returns the milliseconds from the first submit to the end:
 * encoding is a cost of its own.
 */
export async function runChain(device: ComputeDevice, plan: Plan, runs: readonly SegmentRun[]): Promise<number> {
  const { gpuDevice } = device;
  const commands: GPUCommandBuffer[] = [];
  for (let first = 0; first < runs.length; first += SUBMIT) {
    const encoder = gpuDevice.createCommandEncoder();
    plan.encode(encoder, runs.slice(first, first + SUBMIT));
    commands.push(encoder.finish());
  }
  const started = performance.now();
  for (const command of commands) gpuDevice.queue.submit([command]);
  await device.settle(gpuDevice.queue.onSubmittedWorkDone());
  return performance.now() - started;
}

/** How many repetitions make a run of the right length; runs once more than it measures, because drivers compile late. */
export async function chooseChain(device: ComputeDevice, run: (count: number) => Promise<number>): Promise<number> {
  const target = device.deviceClass === 'gpu' ? GPU_RUN_MS : SOFTWARE_RUN_MS;
  await run(1);
  let chain = 1;
  // Twice: the first estimate is mostly fence where dispatches are short.
  for (let round = 0; round < 2; round++) {
    const time = await run(chain);
    chain = Math.max(1, Math.min(LONGEST, Math.round((chain * target) / Math.max(time, 1e-3))));
  }
  return chain;
}
