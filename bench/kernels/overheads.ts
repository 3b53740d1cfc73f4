import { declareBindings, type Kernel, type KernelBinding } from '../../kernels/lib/kernel.js';
import { createBuffer, USAGE } from '../../src/runtime/buffers.js';
import { compilePlan } from '../../src/runtime/compile-plan.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import { measureTask } from './harness.js';
import type { OverheadRecord } from './record.js';
import { describeSamples, rounded } from './statistics.js';

/** Dispatches of the chains: about as many as a decision has. */
const CHAIN = 128;
/** GPUMapMode.READ; the global is not there in every runtime. */
const MAP_READ = 1;

/** Adds one to four values: all that a dispatch can cost without doing anything. */
const TINY_BINDINGS: KernelBinding[] = [
  { name: 'x', access: 'read', type: 'array<vec4f>' },
  { name: 'y', access: 'read_write', type: 'array<vec4f>' },
];
const TINY: Kernel = {
  label: 'tiny',
  code: `${declareBindings(TINY_BINDINGS)}

@compute @workgroup_size(1)
fn main() {
  y[0] = x[0] + 1.0f;
}
`,
  bindings: TINY_BINDINGS,
};

/**
 * What everything costs that is not arithmetic and not memory: a chain of dispatches that depend on each other against
 * as many that do not (the difference is what a barrier costs), the wait for an empty submit, a read-back of four bytes,
 * and encoding.
 */
export async function measureOverheads(device: ComputeDevice, seconds: number): Promise<OverheadRecord[]> {
  const { gpuDevice } = device;
  const { queue } = gpuDevice;
  const builder = new PlanBuilder(device.deviceClass);
  builder.segment('dependent');
  const [ping, pong] = [builder.buffer('ping', 16), builder.buffer('pong', 16)];
  for (let i = 0; i < CHAIN; i++) {
    builder.dispatch(TINY, [{ buffer: i % 2 === 0 ? ping : pong }, { buffer: i % 2 === 0 ? pong : ping }], [1, 1, 1]);
  }
  // Barriers are tracked per buffer: every dispatch needs one of its own to be free of the others.
  builder.segment('independent');
  for (let i = 0; i < CHAIN; i++) builder.dispatch(TINY, [{ buffer: ping }, { buffer: builder.buffer(`output ${i}`, 16) }], [1, 1, 1]);
  const plan = await compilePlan(device, builder);
  const word = await createBuffer(device, 'word', 4, USAGE.storage | USAGE.copySource);
  const readback = await createBuffer(device, 'read-back', 4, USAGE.mapRead | USAGE.copyDestination);

  const encode = (segment: string): GPUCommandBuffer => {
    const encoder = gpuDevice.createCommandEncoder();
    plan.encode(encoder, [{ segment }]);
    return encoder.finish();
  };
  const submitAndWait = async (commands: GPUCommandBuffer[]): Promise<number> => {
    const started = performance.now();
    queue.submit(commands);
    await device.settle(queue.onSubmittedWorkDone());
    return performance.now() - started;
  };
  const timed = async (work: () => unknown): Promise<number> => {
    const started = performance.now();
    await work();
    return performance.now() - started;
  };
  const readBack = async (): Promise<void> => {
    const encoder = gpuDevice.createCommandEncoder();
    encoder.copyBufferToBuffer(word, 0, readback, 0, 4);
    queue.submit([encoder.finish()]);
    await device.settle(readback.mapAsync(MAP_READ));
    readback.getMappedRange().slice(0);
    readback.unmap();
  };
  const tasks: readonly (readonly [string, string, number, () => Promise<number>])[] = [
    ['empty submit', 'submit of nothing and the wait for its end', 1, () => submitAndWait([])],
    ['read-back', 'copy of 4 bytes, submit, map, unmap', 1, () => timed(readBack)],
    ['dependent dispatch', `of a chain of ${CHAIN}, with its share of the wait`, CHAIN, () => submitAndWait([encode('dependent')])],
    ['independent dispatch', `of ${CHAIN}, with its share of the wait`, CHAIN, () => submitAndWait([encode('independent')])],
    [
      'encode',
      `one dispatch of ${CHAIN}, on the host`,
      CHAIN,
      async () => {
        const started = performance.now();
        encode('dependent');
        return performance.now() - started;
      },
    ],
  ];
  try {
    const records: OverheadRecord[] = [];
    for (const [name, what, count, run] of tasks) {
      await run();
      const samples = (await measureTask({ name, run }, seconds)).map((ms) => ms / count);
      records.push({ name, what, each: { ...describeSamples(samples), samplesMs: rounded(samples) } });
    }
    return records;
  } finally {
    plan.destroy();
    word.destroy();
    readback.destroy();
  }
}
