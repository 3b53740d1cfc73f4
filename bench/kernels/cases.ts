import type { Binding, Dispatch } from '../../src/runtime/plan-builder.js';
import type { RecordedDecision } from './network.js';
import type { CaseRecord } from './record.js';
import type { MatrixWork } from './work.js';

/** A distinct dispatch of a decision: the same text over buffers of the same sizes, cut the same way. */
export interface Case extends Omit<CaseRecord, 'chain' | 'rotation' | 'dispatch'> {
  /** As recorded; they differ in which weights they read. */
  readonly dispatches: readonly Dispatch[];
}

interface Work {
  readonly bytes: number;
  readonly weightBytes: number;
  readonly macs: number;
  readonly shape: string;
  readonly layer: string;
}

/** The distinct dispatches of a decision in the order of their first use, each with all that are equal to it. */
export function collectCases(decision: RecordedDecision): Case[] {
  const found = new Map<string, Case & { readonly layers: string[]; readonly dispatches: Dispatch[]; perDecision: number }>();
  const repeats = new Map<string, number>();
  for (const { segment } of decision.runs) repeats.set(segment, (repeats.get(segment) ?? 0) + 1);
  for (const { name: segment, dispatches } of decision.builder.segments) {
    for (const dispatch of dispatches) {
      const { kernel, bindings, workgroups } = dispatch;
      const { layer, ...work } = workOf(decision, dispatch);
      // Not the words of `shape`: they hold offsets too, and sizes that differ show in the buffers.
      const key = [...workgroups, ...bindings.map((binding) => storedBytes(decision, binding)), kernel.code].join(' ');
      const known = found.get(key);
      if (known) {
        known.layers.push(layer);
        known.dispatches.push(dispatch);
        known.perDecision += repeats.get(segment) ?? 0;
      } else {
        found.set(key, {
          id: layer,
          kernel: kernel.label,
          kind: kindOf(kernel.label),
          segment,
          layers: [layer],
          workgroups,
          perDecision: repeats.get(segment) ?? 0,
          ...work,
          dispatches: [dispatch],
        });
      }
    }
  }
  return uniqueIds([...found.values()]);
}

export function boundBytes({ buffer, offset = 0, bytes }: Binding): number {
  return bytes ?? buffer.bytes - offset;
}

/** Bytes of a binding that hold something: a texture has whole rows, and so more. */
function storedBytes({ sizes }: RecordedDecision, binding: Binding): number {
  const { existing } = binding.buffer;
  return (binding.bytes === undefined && existing ? sizes.get(existing) : undefined) ?? boundBytes(binding);
}

function kindOf(label: string): string {
  return label.split(/[\s,]/, 1)[0] ?? label;
}

/**
 * What a dispatch has to move and multiply. Buffers count as they are bound, so half of a concatenation counts as the
 * whole; a FiLM row is bound as a whole where every block reads its own part of it.
 */
function workOf(decision: RecordedDecision, { kernel, bindings }: Dispatch): Work {
  const { work, choice, filmBlocks } = decision;
  let [bytes, weightBytes, macs] = [0, 0, 0];
  const matrices: MatrixWork[] = [];
  // What names the dispatch, best first: its largest matrix, its largest other weights, what it writes.
  const names: { readonly rank: number; readonly bytes: number; readonly label: string }[] = [];
  bindings.forEach((binding, index) => {
    const access = kernel.bindings[index]?.access;
    if (access === 'uniform') return;
    const { label, existing } = binding.buffer;
    const bound = storedBytes(decision, binding);
    const isFilmRow = access === 'read' && label.startsWith('FiLM rows');
    bytes += isFilmRow ? bound / filmBlocks : bound;
    if (!existing || isFilmRow) {
      if (access === 'read_write' || access === 'texture_write')
        names.push({ rank: 2, bytes: 0, label: `${kindOf(kernel.label)}: ${label}` });
      return;
    }
    weightBytes += bound;
    const matrix = work.matrix(label, bound, choice.precision);
    names.push({ rank: matrix ? 0 : 1, bytes: bound, label: label.replace(/[._]weight$/, '') });
    if (matrix) {
      matrices.push(matrix);
      macs += matrix.elements * matrix.columns * choice.batch;
    }
  });
  const [first] = names.sort((a, b) => a.rank - b.rank || b.bytes - a.bytes);
  return { bytes, weightBytes, macs, shape: matrices.map(shapeText).join(' + '), layer: first?.label ?? kernel.label };
}

function shapeText({ shape: [first = 0, second = 0, taps], columns, elements }: MatrixWork): string {
  const rows = taps === undefined ? elements / second : first;
  return `${rows}×${second}${taps === undefined ? '' : `×${taps}`} over ${columns}`;
}

/** Ids must be unique: two kernels may begin with the same layer. */
function uniqueIds(cases: readonly Case[]): Case[] {
  const seen = new Map<string, number>();
  return cases.map((found) => {
    const count = (seen.get(found.id) ?? 0) + 1;
    seen.set(found.id, count);
    return count === 1 ? found : { ...found, id: `${found.id} (${count})` };
  });
}
