import { POOL } from '../image/max-pool.wgsl.js';
import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { lineIndex } from '../lib/line.wgsl.js';
import { wgsl } from '../lib/wgsl.js';

export const MAX_POOL_SIZES = ['batch', 'height', 'width', 'out_height', 'out_width', 'groups'] as const;

/**
 * The maximum of 3×3 windows with stride 2 over maps of rows, and which element of its window it is:
 *
 *     y[b, (r, c)] = max of x[b, (2r + i − 1, 2c + j − 1)] over the places inside        chosen = 3i + j of the first one
 *
 * in row-major order of the window. Bindings: shape · x vec4f [b][height · width][groups] · y vec4f [b][out][groups] · chosen vec4u like
 * y. An invocation owns four channels of an output.
 */
export function maxPoolForwardKernel(invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    { name: 'y', access: 'read_write', type: 'array<vec4f>' },
    { name: 'chosen', access: 'read_write', type: 'array<vec4u>' },
  ];
  const code = wgsl`
${declareShape(MAX_POOL_SIZES)}
${declareBindings(bindings)}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = ${lineIndex(invocations)};
  let outputs = shape.out_height * shape.out_width;
  if (e >= shape.batch * outputs * shape.groups) {
    return;
  }
  let group = e % shape.groups;
  let place = e / shape.groups % outputs;
  let sample = e / shape.groups / outputs * shape.height * shape.width;
  let row = i32(place / shape.out_width * ${POOL.stride}u) - ${POOL.padding};
  let column = i32(place % shape.out_width * ${POOL.stride}u) - ${POOL.padding};
  var largest = vec4f(-3.402823e38f);
  // The element in the middle is always inside.
  var found = vec4u(4u);
  for (var i = 0; i < ${POOL.size}; i++) {
    for (var j = 0; j < ${POOL.size}; j++) {
      if (u32(row + i) < shape.height && u32(column + j) < shape.width) {
        let value = x[(sample + u32(row + i) * shape.width + u32(column + j)) * shape.groups + group];
        // NaN stays, as in max-pool.wgsl.ts, and a later equal value does not win.
        let is_nan = (bitcast<vec4u>(value) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
        let was_nan = (bitcast<vec4u>(largest) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
        let wins = ((value > largest) | is_nan) & !was_nan;
        largest = select(largest, value, wins);
        found = select(found, vec4u(u32(i * ${POOL.size} + j)), wins);
      }
    }
  }
  y[e] = largest;
  chosen[e] = found;
}
`;
  return { label: 'max_pool_forward', code, bindings };
}

/**
 * Its backward pass: dy goes to the element that was chosen; windows overlap, so what an input gets adds up:
 *
 *     dx[b, q] = Σ dy[b, w] over the windows w around q whose chosen element is q, in ascending order
 *
 * Bindings: shape · dy vec4f · chosen vec4u · dx vec4f [b][height · width][groups]. An invocation owns four channels of an input.
 */
export function maxPoolBackwardKernel(invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'dy', access: 'read', type: 'array<vec4f>' },
    { name: 'chosen', access: 'read', type: 'array<vec4u>' },
    { name: 'dx', access: 'read_write', type: 'array<vec4f>' },
  ];
  const code = wgsl`
${declareShape(MAX_POOL_SIZES)}
${declareBindings(bindings)}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = ${lineIndex(invocations)};
  let inputs = shape.height * shape.width;
  if (e >= shape.batch * inputs * shape.groups) {
    return;
  }
  let group = e % shape.groups;
  let place = e / shape.groups % inputs;
  let sample = e / shape.groups / inputs * shape.out_height * shape.out_width;
  let row = place / shape.width;
  let column = place % shape.width;
  var sum = vec4f();
  // Windows 2w − 1 … 2w + 1 around a row (or column): the one at half of it, and for odd ones the next.
  for (var r = row / ${POOL.stride}u; r < min((row + 1u) / ${POOL.stride}u + 1u, shape.out_height); r++) {
    for (var c = column / ${POOL.stride}u; c < min((column + 1u) / ${POOL.stride}u + 1u, shape.out_width); c++) {
      let own = (row + ${POOL.padding}u - r * ${POOL.stride}u) * ${POOL.size}u + column + ${POOL.padding}u - c * ${POOL.stride}u;
      let at = (sample + r * shape.out_width + c) * shape.groups + group;
      sum += select(vec4f(), dy[at], chosen[at] == vec4u(own));
    }
  }
  dx[e] = sum;
}
`;
  return { label: 'max_pool_backward', code, bindings };
}
