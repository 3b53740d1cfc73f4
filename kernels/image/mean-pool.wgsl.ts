import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';

export interface MeanPoolSizes {
  readonly channels: number;
  /** Height × width of a map. */
  readonly positions: number;
}

/** The kernel's `shape`. */
export function meanPoolShape({ channels, positions }: MeanPoolSizes): number[] {
  return [channels, positions];
}

/**
 * Mean of every channel of feature maps over all positions
 *
 *     y[b, c] = Σ_p x[b, c, p] / positions
 *
 * Bindings: shape · x, a feature map of `channels` channels · y f32 [b][channels]. A workgroup owns four channels of one sample;
 * sums are in a fixed order.
 */
export function meanPoolKernel(invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    { name: 'y', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(['channels', 'positions'])}
${declareBindings(bindings)}

const INVOCATIONS: u32 = ${invocations}u;
var<workgroup> scratch: array<vec4f, ${invocations}>;

@compute @workgroup_size(${invocations})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let sample = workgroup.z;
  let first = (sample * ((shape.channels + 3u) / 4u) + workgroup.x) * shape.positions;
  var sum = vec4f();
  for (var p = local; p < shape.positions; p += INVOCATIONS) {
    sum += x[first + p];
  }
  scratch[local] = sum;
  workgroupBarrier();
  let channel = workgroup.x * 4u + local;
  if (local < 4u && channel < shape.channels) {
    var total = 0.0f;
    for (var other = 0u; other < INVOCATIONS; other++) {
      total += scratch[other][local];
    }
    y[sample * shape.channels + channel] = total / f32(shape.positions);
  }
}
`;
  return { label: 'mean_pool', code, bindings };
}
