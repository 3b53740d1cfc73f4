import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { lineIndex } from '../lib/line.wgsl.js';
import { ownerText } from '../lib/owners.wgsl.js';
import { wgsl } from '../lib/wgsl.js';

export const MEAN_PLACES_SIZES = ['batch', 'places', 'groups'] as const;

/**
 * Means over the places of maps:
 *
 *     y[b, c] = (Σ_p x[b, p, c]) / places
 *
 * Bindings: shape · x vec4f rows [b][p][channels / 4] · y vec4f [b][channels / 4]. A part is a group of four channels of a sample
 * (owners.wgsl.ts), whose members take places in turns.
 */
export function meanPlacesKernel(members: number): Kernel {
  const owner = ownerText(members);
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    { name: 'y', access: 'read_write', type: 'array<vec4f>' },
  ];
  const code = wgsl`
${declareShape(MEAN_PLACES_SIZES)}
${declareBindings(bindings)}

const MEMBERS: u32 = ${members}u;
${owner.functions}

@compute @workgroup_size(${owner.workgroupSize})
fn main(${owner.parameters}) {
${owner.prepare('shape.batch * shape.groups')}
  let first = owner / shape.groups * shape.places;
  var sum = vec4f();
  for (var p = member; p < shape.places; p += MEMBERS) {
    sum += x[(first + p) * shape.groups + owner % shape.groups];
  }
  sum = vec4f(reduce_sum(sum.x, local), reduce_sum(sum.y, local), reduce_sum(sum.z, local), reduce_sum(sum.w, local));
  if (member == 0u) {
    y[owner] = sum / f32(shape.places);
  }
}
`;
  return { label: `mean_places ${members}`, code, bindings };
}

/**
 * Their gradient, on through the ReLU that made x:
 *
 *     dx[b, p, c] = [x[b, p, c] > 0] · dy[b, c] / places
 *
 * Bindings: shape · x · dy vec4f [b][channels / 4] · dx vec4f, as x. An invocation owns four channels of a place.
 */
export function meanPlacesGradientKernel(invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    { name: 'dy', access: 'read', type: 'array<vec4f>' },
    { name: 'dx', access: 'read_write', type: 'array<vec4f>' },
  ];
  const code = wgsl`
${declareShape(MEAN_PLACES_SIZES)}
${declareBindings(bindings)}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = ${lineIndex(invocations)};
  if (e >= shape.batch * shape.places * shape.groups) {
    return;
  }
  let sample = e / (shape.places * shape.groups);
  let slope = dy[sample * shape.groups + e % shape.groups] / f32(shape.places);
  dx[e] = select(vec4f(), slope, x[e] > vec4f());
}
`;
  return { label: 'mean_places gradient', code, bindings };
}
