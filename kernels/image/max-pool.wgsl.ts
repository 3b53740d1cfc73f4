import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { type MapPlace, mapParts, readMap, writtenMap } from '../lib/map-place.wgsl.js';
import { wgsl } from '../lib/wgsl.js';

/** Side, stride and padding of the window. */
export const POOL = { size: 3, stride: 2, padding: 1 } as const;

export interface MaxPoolSizes {
  readonly inHeight: number;
  readonly inWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/** The kernel's `shape`. */
export function maxPoolShape({ inHeight, inWidth, outHeight, outWidth }: MaxPoolSizes): number[] {
  return [inHeight, inWidth, outHeight, outWidth];
}

/**
 * ReLU and the maximum of 3×3 windows with stride 2 over a feature map:
 *
 *     y[p, r, c] = relu( max of x[p, 2r + i − 1, 2c + j − 1] over i, j = 0 … 2 that are inside )
 *
 * ReLU grows with its argument, so it may come last: once per window. Bindings: shape · x, y feature maps. An invocation owns
 * one output of one plane p.
 */
export function maxPoolKernel(invocations: number, maps: { readonly x?: MapPlace; readonly y?: MapPlace } = {}): Kernel {
  const x = readMap('x', maps.x);
  const y = writtenMap('y', maps.y);
  const bindings: KernelBinding[] = [SHAPE_BINDING, x.binding, y.binding];
  const code = wgsl`
${declareShape(['in_height', 'in_width', 'out_height', 'out_width'])}
${declareBindings(bindings)}${x.declaration}${y.declaration}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let pixels = shape.out_height * shape.out_width;
  if (id.x >= pixels) {
    return;
  }
  let row = id.x / shape.out_width * ${POOL.stride}u;
  let column = id.x % shape.out_width * ${POOL.stride}u;
  let plane = id.y * shape.in_height * shape.in_width;
  // A row before the first one is the first one again, and so at the end: a maximum does not mind.
  var largest = vec4f();
  for (var i = 0u; i < ${POOL.size}u; i++) {
    let begin = plane + min(max(row + i, ${POOL.padding}u) - ${POOL.padding}u, shape.in_height - 1u) * shape.in_width;
    for (var j = 0u; j < ${POOL.size}u; j++) {
      let value = ${x.load(`begin + min(max(column + j, ${POOL.padding}u) - ${POOL.padding}u, shape.in_width - 1u)`)};
      // NaN stays: a maximum that passed over it would turn broken weights into plausible features. Told by its bits, because a
      // compiler may assume that no comparison sees one.
      let is_nan = (bitcast<vec4u>(largest) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
      largest = select(value, largest, (value <= largest) | is_nan);
    }
  }
  ${y.store('id.y * pixels + id.x', 'largest')}
}
`;
  return { label: ['max_pool', ...mapParts({ ...maps })].join(', '), code, bindings };
}
