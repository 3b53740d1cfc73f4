import {
  type ActivationLayout,
  at,
  declareBindings,
  declareShape,
  type Kernel,
  type KernelBinding,
  SHAPE_BINDING,
  shapeWords,
} from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';

/** The kernel's `shape`. */
export function addRowsShape(tokens: number, channels: number, y: ActivationLayout): number[] {
  return shapeWords([tokens, channels], [y]);
}

/**
 * Rows that all samples share, added to tokens (`accumulate`) or copied to them:
 *
 *     y[n, t, c] = (y[n, t, c] +) rows[t, c] (+ more[t, c])
 *
 * Bindings: shape · rows f32 [tokens][channels] · more, of the same shape, where there is one · y by layout. Workgroup row z is a
 * sample; an invocation owns one element.
 */
export function addRowsKernel(p: { readonly accumulate: boolean; readonly more: boolean; readonly invocations: number }): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'rows', access: 'read', type: 'array<f32>' },
    ...(p.more ? [{ name: 'more', access: 'read', type: 'array<f32>' } as const] : []),
    { name: 'y', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(['tokens', 'channels'], ['y'])}
${declareBindings(bindings)}

@compute @workgroup_size(${p.invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.tokens * shape.channels) {
    return;
  }
  let token = id.x / shape.channels;
  let channel = id.x % shape.channels;
  let e = ${at('y', 'id.z', 'channel', 'token')};
  let value = rows[id.x]${p.more ? ' + more[id.x]' : ''};
  y[e] = ${p.accumulate ? 'y[e] + value' : 'value'};
}
`;
  return { label: `add_rows${p.accumulate ? ', accumulate' : ''}${p.more ? ', more' : ''}`, code, bindings };
}
