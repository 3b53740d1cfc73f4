import { describe, expect, it, vi } from 'vitest';
import { encodedInParts } from '../../src/decision/decision-encoding.js';
import { USAGE } from '../../src/runtime/buffers.js';
import { compilePlan } from '../../src/runtime/compile-plan.js';
import type { Plan, SegmentRun } from '../../src/runtime/plan.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';
import { readBack } from '../../src/runtime/read-back.js';
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

  describe('in two parts', () => {
    /** values[0] = values[0] · 2 + what is bound: the order of dispatches is in the result. */
    const APPEND = {
      label: 'append',
      code: `@group(0) @binding(0) var<storage, read> digits: array<u32>;
        @group(0) @binding(1) var<storage, read_write> values: array<u32>;
        @compute @workgroup_size(1) fn main() { values[0] = values[0] * 2u + digits[0]; }`,
      bindings: [
        { name: 'digits', access: 'read', type: 'array<u32>' },
        { name: 'values', access: 'read_write', type: 'array<u32>' },
      ],
    } as const;
    const DIGITS = [1, 0, 1, 1, 0];
    const RUNS: readonly SegmentRun[] = [{ segment: 'digits' }, { segment: 'digits' }];

    /** A plan whose segment binds 256 bytes of weights and 16 of values with each of its five dispatches. */
    async function compile(): Promise<{ plan: Plan; values: GPUBuffer }> {
      const builder = new PlanBuilder(device().deviceClass);
      builder.segment('digits');
      const values = builder.buffer('values', 16);
      for (const digit of DIGITS) {
        const weights = device().gpuDevice.createBuffer({ size: 256, usage: USAGE.storage | USAGE.copyDestination });
        device().gpuDevice.queue.writeBuffer(weights, 0, Uint32Array.of(digit));
        builder.dispatch(APPEND, [{ buffer: builder.existing(weights) }, { buffer: values }], [1, 1, 1]);
      }
      const plan = await compilePlan(device(), builder);
      return { plan, values: plan.gpuBuffer(values) };
    }

    it('finds where the end of its runs begins, by what its dispatches bind', async () => {
      const { plan } = await compile();
      const each = 256 + 16;
      expect(plan.endOf(RUNS, 1)).toEqual({ run: 1, dispatch: 4 });
      expect(plan.endOf(RUNS, each)).toEqual({ run: 1, dispatch: 4 });
      expect(plan.endOf(RUNS, each + 1)).toEqual({ run: 1, dispatch: 3 });
      expect(plan.endOf([...RUNS, ...RUNS], 6 * each)).toEqual({ run: 2, dispatch: 4 });
      // Half of all is not too much, more is.
      expect(plan.endOf(RUNS, 5 * each)).toEqual({ run: 1, dispatch: 0 });
      expect(plan.endOf(RUNS, 5 * each + 1)).toBeUndefined();
      plan.destroy();
    });

    it.each([1, 300, 5 * 272])(
      'a decision that is handed over so runs every dispatch once, in its order: end of %d bytes',
      async (endBytes) => {
        const { plan, values } = await compile();
        const { gpuDevice } = device();
        const commands = encodedInParts(plan, gpuDevice.createCommandEncoder(), RUNS, (encoder) => encoder.finish(), endBytes);
        const submit = vi.spyOn(gpuDevice.queue, 'submit');
        device().submit(commands);
        expect(submit).toHaveBeenCalledTimes(2);
        submit.mockRestore();
        const expected = [...DIGITS, ...DIGITS].reduce((sum, digit) => 2 * sum + digit, 0);
        expect(await readBack(device(), 'values', values, (bytes) => new Uint32Array(bytes)[0])).toBe(expected);
        plan.destroy();
      },
    );

    it('is handed over in one where it is small', async () => {
      const { plan } = await compile();
      const { gpuDevice } = device();
      const commands = encodedInParts(plan, gpuDevice.createCommandEncoder(), RUNS, (encoder) => encoder.finish());
      const submit = vi.spyOn(gpuDevice.queue, 'submit');
      device().submit(commands);
      expect(submit).toHaveBeenCalledTimes(1);
      submit.mockRestore();
      plan.destroy();
    });
  });
});
