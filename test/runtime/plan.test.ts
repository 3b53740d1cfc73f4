import { describe, expect, it } from 'vitest';
import { compilePlan } from '../../src/runtime/compile-plan.js';
import type { Plan, SegmentRun } from '../../src/runtime/plan.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import { useTestDevice } from '../support/device.js';

/** Adds 1 to values[0] of the row that is bound. */
const COUNT_UP = {
  label: 'count up',
  code: `@group(0) @binding(0) var<storage, read_write> values: array<u32>;
    @compute @workgroup_size(1) fn main() { values[0] += 1u; }`,
  bindings: [{ name: 'values', access: 'read_write', type: 'array<u32>', dynamic: true }],
} as const;

describe('a plan', () => {
  const device = useTestDevice();

  function record(): { builder: PlanBuilder; row: ReturnType<PlanBuilder['offset']> } {
    const builder = new PlanBuilder(device().deviceClass);
    const row = builder.offset('row');
    builder.segment('first');
    builder.dispatch(COUNT_UP, [{ buffer: builder.buffer('values', 1024), bytes: 256, stepOffset: row }], [1, 1, 1]);
    builder.segment('second');
    return { builder, row };
  }

  function encode(plan: Plan, runs: readonly SegmentRun[]): void {
    plan.encode(device().gpuDevice.createCommandEncoder(), runs);
  }

  it('has no segment but those that were recorded, and says which', async () => {
    const plan = await compilePlan(device(), record().builder);
    expect([plan.dispatchCount('first'), plan.dispatchCount('second')]).toEqual([1, 0]);
    const refused = 'the plan has no segment "third", it has first, second';
    const runs = [{ segment: 'third' }];
    expect(() => plan.dispatchCount('third')).toThrow(refused);
    expect(() => plan.probeBytes(runs)).toThrow(refused);
    expect(() => encode(plan, runs)).toThrow(refused);
    expect(() => plan.encodeSeparately(device().gpuDevice.createCommandEncoder(), runs, () => ({}))).toThrow(refused);
    plan.destroy();
  });

  it('is replayed with step offsets of its own', async () => {
    const { builder, row } = record();
    const plan = await compilePlan(device(), builder);
    expect(() => encode(plan, [{ segment: 'first' }])).toThrow('count up takes step offsets: give the run its `offsets`');
    const foreign = record().builder.offsetValues();
    expect(() => encode(plan, [{ segment: 'first', offsets: foreign }])).toThrow('segment "first" was given step offsets of another plan');
    const own = builder.offsetValues();
    own.set(row, 256);
    encode(plan, [{ segment: 'first', offsets: own }]);
    plan.destroy();
  });
});
