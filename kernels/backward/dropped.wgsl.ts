import { activationFunctions } from '../lib/activations.wgsl.js';
import { DROPOUT_BINDING, declareDropout, keptFactor, MASK_BINDING } from '../lib/dropout.wgsl.js';
import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { lineIndex } from '../lib/line.wgsl.js';
import { wgsl } from '../lib/wgsl.js';

/**
 * What a training step does element by element, with `kept` the factor of dropout:
 * - `gelu`: out = kept · gelu(a)
 * - `gelu gradient`: out = kept · gelu′(a) · b, with gelu′(a) = Φ(a) + a · e^(−a²/2) / √(2π) (not the derivative of the approximation of Φ)
 * - `drop and add`: out = kept · a + b
 * - `drop`: out = kept · a
 */
export const DROPPED = {
  gelu: { second: false, value: 'kept(e) * gelu(a[e])' },
  'gelu gradient': { second: true, value: 'kept(e) * gelu_slope(a[e]) * b[e]' },
  'drop and add': { second: true, value: 'kept(e) * a[e] + b[e]' },
  drop: { second: false, value: 'kept(e) * a[e]' },
} as const;
export type DroppedFunction = keyof typeof DROPPED;

/** The kernel's `shape`; `maskWord`: where the mask begins. */
export function droppedShape(elements: number, maskWord: number): number[] {
  return [elements, maskWord];
}

const GELU_SLOPE = wgsl`fn gelu_slope(x: f32) -> f32 {
  return 0.5f * erfc(x * -0.70710678f) + x * exp(-0.5f * x * x) * 0.39894228f;
}`;

/** Bindings: shape · dropout · mask · a · b where there is one · out, all f32 [elements]. An invocation owns an element. */
export function droppedKernel(name: DroppedFunction, invocations: number): Kernel {
  const { second, value } = DROPPED[name];
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    DROPOUT_BINDING,
    MASK_BINDING,
    { name: 'a', access: 'read', type: 'array<f32>' },
    ...(second ? [{ name: 'b', access: 'read', type: 'array<f32>' } as const] : []),
    { name: 'out', access: 'read_write', type: 'array<f32>' },
  ];
  const isGelu = name.startsWith('gelu');
  const code = wgsl`
${declareShape(['elements', 'mask_word'])}
${declareDropout}
${declareBindings(bindings)}

${keptFactor}
${isGelu ? activationFunctions('gelu') : ''}
${name === 'gelu gradient' ? GELU_SLOPE : ''}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = ${lineIndex(invocations)};
  if (e >= shape.elements) {
    return;
  }
  out[e] = ${value};
}
`;
  return { label: `dropped ${name}`, code, bindings };
}
