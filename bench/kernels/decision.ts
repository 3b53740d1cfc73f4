import { isTexture } from '../../src/runtime/buffers.js';
import { compilePlan } from '../../src/runtime/compile-plan.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { runChain } from './chain.js';
import { type FillTarget, fillBuffers } from './fill.js';
import { measureTask } from './harness.js';
import type { RecordedDecision } from './network.js';
import type { Timing } from './record.js';
import { describeSamples, rounded } from './statistics.js';

/**
 * Measures the recorded decision as a whole, with random weights in all its buffers: what the sum over its kernels is to
 * be compared with. Upload and read-back are not in it.
 */
export async function measureDecision(device: ComputeDevice, decision: RecordedDecision, seconds: number): Promise<Timing> {
  await fillBuffers(device, weightTargets(decision));
  const plan = await compilePlan(device, decision.builder);
  try {
    const run = (): Promise<number> => runChain(device, plan, decision.runs);
    await run();
    const samples = await measureTask({ name: 'decision', run }, seconds);
    return { ...describeSamples(samples), samplesMs: rounded(samples) };
  } finally {
    plan.destroy();
  }
}

/** The buffers of the networks, with the type that the kernels read them as. */
export function weightTargets({ builder }: RecordedDecision): FillTarget[] {
  const types = new Map<GPUBuffer, string>();
  for (const { dispatches } of builder.segments) {
    for (const { kernel, bindings } of dispatches) {
      bindings.forEach(({ buffer }, index) => {
        const { existing } = buffer;
        if (existing && !isTexture(existing)) types.set(existing, kernel.bindings[index]?.type ?? '');
      });
    }
  }
  return [...types].map(([buffer, type]) => ({ buffer, type }));
}
