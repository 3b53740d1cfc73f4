import { declareBindings, type Kernel, type KernelBinding } from '../../kernels/lib/kernel.js';
import { compilePlan } from '../../src/runtime/compile-plan.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { PlanBuilder } from '../../src/runtime/plan-builder.js';

const INVOCATIONS = 256;
const WORKGROUPS = 256;
/** Bytes that a dispatch fills at most: bindings have a limit. */
const PART_BYTES = 64 << 20;

/** f32 weights as a network has them, or words of two small halves, which int8 may read as four bytes. */
export type Contents = 'floats' | 'words';

/** Bits of a hash that are kept, and bits that are set, so that values are small and never subnormal. */
const PATTERNS: Readonly<Record<Contents, { readonly kept: number; readonly set: number }>> = {
  // Sign and fraction of an f32 in 2^-7 … 2^-6.
  floats: { kept: 0x807fffff, set: 0x3c000000 },
  // Sign, low exponent bits and fraction of two halves in 2^-7 … 2^-3.
  words: { kept: 0x8fff8fff, set: 0x20002000 },
};

/** A small random value for position `index`. Not subnormal: some processors take far longer over those. */
export function smallWord(index: number, contents: Contents): number {
  let hash = Math.imul(index, 0x9e3779b1);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x21f0aaad);
  hash ^= hash >>> 15;
  const { kept, set } = PATTERNS[contents];
  return ((hash & kept) | set) >>> 0;
}

/** What belongs into a variable of a WGSL type. */
export function contentsOf(type: string): Contents {
  return /f32|vec[234]f\b/.test(type) ? 'floats' : 'words';
}

export interface FillTarget {
  readonly buffer: GPUBuffer;
  /** WGSL type of the variable that it is bound to. */
  readonly type: string;
}

/** Fills buffers with small random values on the device: nothing is uploaded. */
export async function fillBuffers(device: ComputeDevice, targets: readonly FillTarget[]): Promise<void> {
  const builder = new PlanBuilder(device.deviceClass);
  builder.segment('fill');
  const most = Math.min(device.limits.maxStorageBufferBindingSize, PART_BYTES);
  for (const { buffer, type } of targets) {
    for (let offset = 0; offset < buffer.size; offset += most) {
      const bytes = Math.min(most, buffer.size - offset);
      const part = { buffer: builder.existing(buffer), offset, bytes };
      builder.dispatch(fillKernel(contentsOf(type)), [part], [Math.min(WORKGROUPS, Math.ceil(bytes / 4 / INVOCATIONS)), 1, 1]);
    }
  }
  const plan = await compilePlan(device, builder);
  const encoder = device.gpuDevice.createCommandEncoder({ label: 'fill' });
  plan.encode(encoder, [{ segment: 'fill' }]);
  device.gpuDevice.queue.submit([encoder.finish()]);
  await device.settle(device.gpuDevice.queue.onSubmittedWorkDone());
  plan.destroy();
}

/** data[i] = smallWord(i, contents). */
function fillKernel(contents: Contents): Kernel {
  const bindings: KernelBinding[] = [{ name: 'data', access: 'read_write', type: 'array<u32>' }];
  const { kept, set } = PATTERNS[contents];
  const code = `
${declareBindings(bindings)}

@compute @workgroup_size(${INVOCATIONS})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  for (var i = id.x; i < arrayLength(&data); i += workgroups.x * ${INVOCATIONS}u) {
    var hash = i * 0x9e3779b1u;
    hash ^= hash >> 16u;
    hash *= 0x21f0aaadu;
    hash ^= hash >> 15u;
    data[i] = (hash & ${kept}u) | ${set}u;
  }
}
`;
  return { label: `fill ${contents}`, code, bindings };
}
