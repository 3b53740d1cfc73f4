import { declareBindings, type Kernel, type KernelBinding } from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';

/**
 * A start that is drawn from what two heads predict (NO-Diffusion):
 *
 *     deviation[b, e] ← softplus(deviation[b, e])
 *     y[b, e]         = mean[b, e] + deviation[b, e] · noise[b, e]
 *
 * softplus(x) = ln(1 + eˣ) as max(x, 0) + ln(1 + e^−|x|), which no x makes overflow; NaN stays NaN.
 * Bindings: mean, noise f32 [b][elements] · deviation f32 [b][elements], the head's output in, the standard deviation out · y f32 [b][elements]. An invocation
 * owns one element.
 */
export function drawStartKernel(elements: number, invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    { name: 'mean', access: 'read', type: 'array<f32>' },
    { name: 'noise', access: 'read', type: 'array<f32>' },
    { name: 'deviation', access: 'read_write', type: 'array<f32>' },
    { name: 'y', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareBindings(bindings)}

const ELEMENTS: u32 = ${elements}u;

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ELEMENTS) {
    return;
  }
  let index = id.z * ELEMENTS + id.x;
  let raw = deviation[index];
  let scale = select(raw, 0.0f, raw < 0.0f) + log(1.0f + exp(-abs(raw)));
  deviation[index] = scale;
  y[index] = mean[index] + scale * noise[index];
}
`;
  return { label: `draw_start ${elements}`, code, bindings };
}
