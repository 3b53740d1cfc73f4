import { isTexture } from '../../src/runtime/buffers.js';
import { compilePlan } from '../../src/runtime/compile-plan.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { SegmentRun } from '../../src/runtime/plan.js';
import { type Binding, type BufferHandle, type Dispatch, PlanBuilder } from '../../src/runtime/plan-builder.js';
import { writeTexels } from '../../src/runtime/texture-rows.js';
import type { Arena } from './arena.js';
import { boundBytes, type Case } from './cases.js';
import { chooseChain, runChain } from './chain.js';
import { measureTask } from './harness.js';
import type { CaseRecord } from './record.js';
import { describeSamples, rounded } from './statistics.js';

/** Sets of weights that repetitions take turns with, at most: each is a bind group. */
const MOST_TURNS = 32;

/**
 * Measures a case by itself. Every repetition reads weights that no cache holds and writes the same output: it has to
 * wait for the one before, as in a decision. `shapes`: those of the plan that the case was recorded into.
 */
export async function measureCase(
  device: ComputeDevice,
  arena: Arena,
  found: Case,
  shapes: PlanBuilder['shapes'],
  seconds: number,
): Promise<CaseRecord> {
  const { dispatches, ...rest } = found;
  const example = dispatches[0] as Dispatch;
  const turns = Math.max(1, Math.min(MOST_TURNS, Math.floor(arena.bytes / Math.max(1, found.weightBytes))));
  const builder = new PlanBuilder(device.deviceClass);
  const activations = new Map<BufferHandle, BufferHandle>();
  const connect = async (binding: Binding, index: number, turn: number): Promise<Binding> => {
    const { buffer, stepOffset, offset = 0, bytes } = binding;
    const step = stepOffset === undefined ? {} : { stepOffset: builder.offset(stepOffset.name) };
    if (buffer === shapes.buffer) {
      return builder.shape([...shapes.words.subarray(offset / 4, (offset + boundBytes(binding)) / 4)]);
    }
    const { access, type = '' } = example.kernel.bindings[index] ?? {};
    // A texture is no part of a buffer: the network's own take turns.
    if (access === 'texture' && buffer.existing) return dispatches[turn % dispatches.length]?.bindings[index] ?? binding;
    if (buffer.existing && access !== 'read_write') {
      return { ...(await arena.slice(builder, type, boundBytes(binding), turn)), ...step };
    }
    const own = activations.get(buffer) ?? builder[buffer.texture ? 'texture' : 'buffer'](buffer.label, buffer.bytes);
    activations.set(buffer, own);
    return { buffer: own, offset, ...(bytes === undefined ? {} : { bytes }), ...step };
  };
  for (let turn = 0; turn < turns; turn++) {
    builder.segment(`turn ${turn}`);
    const bindings = await Promise.all(example.bindings.map((binding, index) => connect(binding, index, turn)));
    builder.dispatch(example.kernel, bindings, example.workgroups);
  }
  const plan = await compilePlan(device, builder);
  try {
    for (const buffer of floatActivations(example, activations)) {
      const { queue } = device.gpuDevice;
      const values = smallValues(buffer.bytes / 4);
      const resource = plan.resource(buffer);
      if (isTexture(resource)) writeTexels(queue, resource, 0, new Uint32Array(values.buffer));
      else queue.writeBuffer(resource, 0, values);
    }
    // Across runs too: a chain shorter than the number of turns would read the same weights every time.
    let turn = 0;
    const offsets = builder.offsetValues();
    const run = (count: number): Promise<number> => {
      const runs = Array.from({ length: count }, (): SegmentRun => ({ segment: `turn ${turn++ % turns}`, offsets }));
      return runChain(device, plan, runs);
    };
    const chain = await chooseChain(device, run);
    const samples = (await measureTask({ name: found.id, run: () => run(chain) }, seconds)).map((ms) => ms / chain);
    return { ...rest, chain, rotation: turns, dispatch: { ...describeSamples(samples), samplesMs: rounded(samples) } };
  } finally {
    plan.destroy();
  }
}

/** Activations of f32; counters and flags stay zero, as a plan finds them. */
function floatActivations({ kernel, bindings }: Dispatch, activations: ReadonlyMap<BufferHandle, BufferHandle>): Set<BufferHandle> {
  return new Set(
    bindings.flatMap(({ buffer }, index) => {
      const own = activations.get(buffer);
      const { type = '', access } = kernel.bindings[index] ?? {};
      return own && access !== 'uniform' && (own.texture || /f32|vec[234]f\b/.test(type)) ? [own] : [];
    }),
  );
}

/** Values of either sign below 1, as activations are after a norm. */
function smallValues(count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: Math.floor(count) }, (_, index) => Math.sin(index * 12.9898));
}
