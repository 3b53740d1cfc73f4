import { describe, expect, it } from 'vitest';
import type { Kernel, KernelBinding } from '../../kernels/lib/kernel.js';
import { DeviceLimitError } from '../../src/foundation/errors.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';

function kernel(label: string, ...bindings: KernelBinding[]): Kernel {
  return { label, code: '', bindings };
}

const x: KernelBinding = { name: 'x', access: 'read', type: 'array<f32>' };
const y: KernelBinding = { name: 'y', access: 'read_write', type: 'array<f32>' };
const step: KernelBinding = { name: 'step', access: 'uniform', type: 'Step', dynamic: true };

describe('PlanBuilder', () => {
  it('records dispatches into the segment that is open; a segment can be opened again', () => {
    const builder = new PlanBuilder('gpu');
    const buffer = builder.buffer('activation', 64);
    const record = (label: string): void => builder.dispatch(kernel(label, y), [{ buffer }], [1, 2, 3]);
    builder.segment('observe');
    record('a');
    builder.segment('evaluate');
    record('b');
    builder.segment('observe');
    record('c');
    expect(builder.segments.map(({ name, dispatches }) => [name, dispatches.map((dispatch) => dispatch.kernel.label)])).toEqual([
      ['observe', ['a', 'c']],
      ['evaluate', ['b']],
    ]);
    expect(builder.segments[0]?.dispatches[0]?.workgroups).toEqual([1, 2, 3]);
    expect(builder.buffers).toEqual([{ label: 'activation', bytes: 64 }]);
  });

  it('refuses to record outside a segment', () => {
    const builder = new PlanBuilder('gpu');
    const buffer = builder.buffer('b', 4);
    expect(() => builder.dispatch(kernel('k', y), [{ buffer }], [1, 1, 1])).toThrow('open a segment before recording');
  });

  it('refuses bindings that do not fit the kernel', () => {
    const builder = new PlanBuilder('gpu');
    builder.segment('s');
    const buffer = builder.buffer('b', 4);
    expect(() => builder.dispatch(kernel('k', x, y), [{ buffer }], [1, 1, 1])).toThrow('k has 2 bindings, 1 were given');
    expect(() => builder.dispatch(kernel('k', step), [{ buffer }], [1, 1, 1])).toThrow('binding step and its step offset disagree');
    expect(() => builder.dispatch(kernel('k', y), [{ buffer, stepOffset: builder.offset('noise') }], [1, 1, 1])).toThrow(
      'binding y and its step offset disagree',
    );
    builder.dispatch(kernel('k', step), [{ buffer, stepOffset: builder.offset('coefficients') }], [1, 1, 1]);
    expect(builder.segments[0]?.dispatches).toHaveLength(1);
  });

  it('knows its step offsets from those of another plan', () => {
    const [builder, other] = [new PlanBuilder('gpu'), new PlanBuilder('gpu')];
    builder.segment('s');
    const buffer = builder.buffer('b', 512);
    const [row, column] = [builder.offset('row'), builder.offset('column')];
    const foreign = other.offset('elsewhere');
    expect(builder.offsets).toEqual([row, column]);
    const refused = /step offset "elsewhere" belongs to another plan, this one has row, column/;
    expect(() => builder.dispatch(kernel('k', step), [{ buffer, stepOffset: foreign }], [1, 1, 1])).toThrow(refused);
    const values = builder.offsetValues();
    expect(() => values.set(foreign, 256)).toThrow(refused);
    values.set(column, 256);
    expect([values.at(row), values.at(column)]).toEqual([0, 256]);
  });

  it('refuses more workgroups than every device has', () => {
    const builder = new PlanBuilder('gpu');
    builder.segment('s');
    const buffer = builder.buffer('b', 4);
    const dispatch = (workgroups: [number, number, number]) => (): void => builder.dispatch(kernel('k', y), [{ buffer }], workgroups);
    expect(dispatch([1, 1, 65_536])).toThrow(DeviceLimitError);
    expect(dispatch([1, 65_536, 1])).toThrow(/k needs 1 × 65536 × 1 workgroups.*use a smaller batch/);
    expect(dispatch([65_535, 65_535, 65_535])).not.toThrow();
  });

  it('stores equal shapes once, each at an offset that can be bound', () => {
    const builder = new PlanBuilder('gpu');
    const first = builder.shape([1, 2, 3]);
    const other = builder.shape([1, 2, 4]);
    expect(builder.shape([1, 2, 3])).toEqual(first);
    expect([first.offset, other.offset]).toEqual([0, 256]);
    expect(first.bytes).toBe(12);
    const { buffer, words } = builder.shapes;
    expect(buffer).toBe(first.buffer);
    expect(words.byteLength).toBe(buffer.bytes);
    expect([...words.subarray(0, 3), ...words.subarray(64, 67)]).toEqual([1, 2, 3, 1, 2, 4]);
  });

  it('keeps the probes that are wanted, and after which dispatch they are due', () => {
    const builder = new PlanBuilder('gpu', ['wanted']);
    const row = builder.offset('row');
    builder.segment('s');
    const buffer = builder.buffer('b', 64);
    const record = (): void => builder.dispatch(kernel('k', y), [{ buffer }], [1, 1, 1]);
    record();
    record();
    builder.probe('wanted', buffer, [{ offset: 0, bytes: 8 }]);
    builder.probe('other', buffer, [{ offset: 0, bytes: 8 }]);
    record();
    builder.probe('wanted', buffer, [{ offset: 8, bytes: 8 }], row);
    expect(builder.segments[0]?.probes).toEqual([
      { name: 'wanted', after: 1, buffer, ranges: [{ offset: 0, bytes: 8 }] },
      { name: 'wanted', after: 2, buffer, ranges: [{ offset: 8, bytes: 8 }], stepOffset: row },
    ]);
    expect([builder.wantsProbe('wanted'), builder.wantsProbe('other')]).toEqual([true, false]);
  });
});
