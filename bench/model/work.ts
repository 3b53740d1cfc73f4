import type { Kernel } from '../../kernels/lib/kernel.js';
import { CHUNK_BYTES } from '../../kernels/lib/weight-storage.wgsl.js';
import type { Dispatch } from '../../src/runtime/plan-builder.js';
import { boundBytes, type Case } from '../kernels/cases.js';

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
  /** Bytes that its workgroups load together: each reads activations, and some of them weights, that others read too. */
  readonly loadedBytes: number;
  /** Share of these that are weights, which come from memory; activations were just written, and are in a cache. */
  readonly weightShare: number;
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
  const { kernel, workgroups } = dispatch;
  const { weightBytes, bytes } = found;
  const weights = weightBytes * weightReads(kernel, workgroups);
  // What one workgroup along the channels reads of its input, all of them read.
  const again = isConvolution(kernel) ? (workgroups[0] - 1) * inputBytes(dispatch) : 0;
  const activations = bytes - weightBytes + again;
  return {
    id: found.id,
    kernel: found.kernel,
    perDecision: found.perDecision,
    workgroups: found.workgroups.reduce((product, count) => product * count, 1),
    bytes,
    macs: found.macs,
    loadedBytes: weights + activations,
    weightShare: weightBytes / Math.max(1, weights + activations),
    ...workOfKernel(kernel),
    ...(registers.has(kernel.label) ? { registers: registers.get(kernel.label) as number } : {}),
  };
}

/** Bytes of what a dispatch reads and another one wrote; without FiLM rows, of which it reads a few values. */
function inputBytes({ kernel, bindings }: Dispatch): number {
  return bindings.reduce((sum, binding, index) => {
    const { existing, label } = binding.buffer;
    const isInput = kernel.bindings[index]?.access === 'read' && existing === undefined && !label.startsWith('FiLM rows');
    return isInput ? sum + boundBytes(binding) : sum;
  }, 0);
}

function isConvolution({ code }: Kernel): boolean {
  return code.includes('const COLUMNS: u32');
}

/** How often a dispatch reads its weights: a convolution once per tile and sample, a layer of the predictor in every workgroup. */
function weightReads(kernel: Kernel, [x, y, z]: readonly [number, number, number]): number {
  if (/^(?:embed_token|token_layer)/.test(kernel.label)) return x * y * z;
  if (!isConvolution(kernel)) return 1;
  return z * Math.ceil((constant(kernel.code, 'OUT_LENGTH') ?? 1) / (constant(kernel.code, 'COLUMNS') ?? 1));
}

/** What follows from the text of a kernel. */
export function workOfKernel({
  code,
}: Kernel): Pick<DispatchWork, 'invocations' | 'sharedBytes' | 'registers' | 'bytesInFlight' | 'barriers' | 'dependentLoads'> {
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
    bytesInFlight: chunks === undefined ? VECTOR_BYTES : CHUNK_BYTES * chunks,
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
