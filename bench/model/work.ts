import type { Kernel } from '../../kernels/lib/kernel.js';
import { CHUNK_BYTES } from '../../kernels/lib/weight-storage.wgsl.js';
import type { Case } from '../kernels/cases.js';

/** What a dispatch asks of a GPU. */
export interface DispatchWork {
  readonly id: string;
  readonly kernel: string;
  readonly perDecision: number;
  readonly workgroups: number;
  /** Of a workgroup. */
  readonly invocations: number;
  readonly sharedBytes: number;
  /** Of an invocation. */
  readonly registers: number;
  /** Bytes from or to memory, and multiply-adds, of the whole dispatch. */
  readonly bytes: number;
  readonly macs: number;
  /** Bytes that an invocation has under way. */
  readonly bytesInFlight: number;
  /** Barriers in the text, and loads that each wait for the one before. */
  readonly barriers: number;
  readonly dependentLoads: number;
}

/** Where no compiler was asked. */
const USUAL_REGISTERS = 96;
const COLUMN_REGISTERS = 4;
/** vec4f. */
const VECTOR_BYTES = 16;

/** `registers`: by the label of a kernel, as a compile report has them. */
export function workOf(found: Case, registers: ReadonlyMap<string, number>): DispatchWork {
  const [dispatch] = found.dispatches;
  if (!dispatch) throw new TypeError(`${found.id} has no dispatch`);
  const { kernel } = dispatch;
  return {
    id: found.id,
    kernel: found.kernel,
    perDecision: found.perDecision,
    workgroups: found.workgroups.reduce((product, count) => product * count, 1),
    bytes: found.bytes,
    macs: found.macs,
    ...workOfKernel(kernel),
    ...(registers.has(kernel.label) ? { registers: registers.get(kernel.label) as number } : {}),
  };
}

/** What follows from the text of a kernel. */
export function workOfKernel({ code }: Kernel): Omit<DispatchWork, 'id' | 'kernel' | 'perDecision' | 'workgroups' | 'bytes' | 'macs'> {
  const invocations = (/@workgroup_size\(([^)]*)\)/.exec(code)?.[1] ?? '1')
    .split(',')
    .reduce((product, text) => product * (constant(code, text.trim()) ?? 1), 1);
  const columns = constant(code, 'COLUMNS');
  const chunks = constant(code, 'TURN_CHUNKS');
  const isStaged = code.includes('fn stage(');
  return {
    invocations,
    sharedBytes: sharedBytes(code),
    // Four sums to a column, beside weights, inputs and addresses.
    registers: columns === undefined ? USUAL_REGISTERS / 3 : USUAL_REGISTERS / 2 + COLUMN_REGISTERS * columns,
    bytesInFlight: chunks === undefined ? VECTOR_BYTES / 4 : CHUNK_BYTES * chunks,
    barriers: code.split('workgroupBarrier()').length - 1,
    // The shape, then what it says where to find; a stage has its parts and its FiLM rows before the loop begins.
    dependentLoads: isStaged ? 4 : 2,
  };
}

function constant(code: string, name: string): number | undefined {
  if (/^\d+u?$/.test(name)) return Number.parseInt(name, 10);
  const found = new RegExp(`const ${name}: u32 = (\\d+)u;`).exec(code)?.[1];
  return found === undefined ? undefined : Number(found);
}

const ELEMENT_BYTES: Readonly<Record<string, number>> = { f32: 4, u32: 4, vec2f: 8, vec4f: 16 };

/** Bytes of the workgroup's variables. */
function sharedBytes(code: string): number {
  let bytes = 0;
  for (const [, type = '', count = '1'] of code.matchAll(/var<workgroup> \w+: array<(\w+), (\d+)u?>/g)) {
    bytes += (ELEMENT_BYTES[type] ?? VECTOR_BYTES) * Number(count);
  }
  return bytes;
}
