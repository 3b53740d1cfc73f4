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
export function placeTokensShape(tokens: number, channels: number, x: ActivationLayout, y: ActivationLayout): number[] {
  return shapeWords([tokens, channels], [x, y]);
}

/**
 * Tokens from one place to another, where rows that all samples share may be added:
 *
 *     y[n, t, c] = x[n, t, c] (+ rows[t, c])
 *
 * Bindings: shape · x by layout · rows f32 [tokens][channels], where they are added · y by layout. Workgroup layer z is a sample; an
 * invocation owns one element.
 */
export function placeTokensKernel(rows: boolean, invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<f32>' },
    ...(rows ? [{ name: 'rows', access: 'read', type: 'array<f32>' } as const] : []),
    { name: 'y', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(['tokens', 'channels'], ['x', 'y'])}
${declareBindings(bindings)}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.tokens * shape.channels) {
    return;
  }
  let token = id.x / shape.channels;
  let channel = id.x % shape.channels;
  y[${at('y', 'id.z', 'channel', 'token')}] = x[${at('x', 'id.z', 'channel', 'token')}]${rows ? ' + rows[id.x]' : ''};
}
`;
  return { label: `place_tokens${rows ? ', rows' : ''}`, code, bindings };
}
