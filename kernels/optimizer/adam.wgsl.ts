import { declareBindings, type Kernel, type KernelBinding } from '../lib/kernel.js';
import { lineIndex } from '../lib/line.wgsl.js';
import { STEP_BINDING, stepStruct } from '../lib/step-scalars.js';
import { halfBits } from '../lib/trained-halves.wgsl.js';
import { wgsl } from '../lib/wgsl.js';

export const ADAM_WORKGROUP = 64;

/**
 * Clipping, Adam or AdamW, and the moving average, of all parameters of an arena at once (Kingma & Ba 2015; Loshchilov & Hutter 2019):
 *
 *     g ← factor · g + λ_coupled p        p ← (1 − η λ_decoupled) p
 *     m ← β₁ m + (1 − β₁) g               v ← β₂ v + (1 − β₂) g²
 *     p ← p − η/(1 − β₁ᵏ) · m / (√v / √(1 − β₂ᵏ) + ε)
 *     ema ← ema − (1 − d)(ema − p)
 *
 * Nothing changes where result[3] (proceed) is 0. All scalars come from the host, where they are float64: 1 − β₂ in f32 would be
 * 1.3e-5 off. With `halves`, p is also written rounded, for the passes of the next step.
 * Bindings: step · result f32 [6] · gradient, weight, first, second, ema vec4f · halves vec2u. An invocation owns a vec4; what pads an arena
 * is 0 and stays 0.
 */
export function adamKernel(ema: boolean, halves = false): Kernel {
  const bindings: KernelBinding[] = [
    STEP_BINDING,
    { name: 'result', access: 'read', type: 'array<f32>' },
    { name: 'gradient', access: 'read', type: 'array<vec4f>' },
    { name: 'weight', access: 'read_write', type: 'array<vec4f>' },
    { name: 'first', access: 'read_write', type: 'array<vec4f>' },
    { name: 'second', access: 'read_write', type: 'array<vec4f>' },
    ...(ema ? [{ name: 'ema', access: 'read_write', type: 'array<vec4f>' } as const] : []),
    ...(halves ? [{ name: 'halves', access: 'read_write', type: 'array<vec2u>' } as const] : []),
  ];
  const code = wgsl`
${stepStruct}
${declareBindings(bindings)}${halves ? halfBits : ''}

@compute @workgroup_size(${ADAM_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let i = ${lineIndex(ADAM_WORKGROUP)};
  if (i >= arrayLength(&weight) || result[3] == 0.0f) {
    return;
  }
  var p = weight[i];
  let g = gradient[i] * result[2] + p * step.coupled_decay;
  p *= step.decay_factor;
  let m = first[i] * step.beta1 + g * step.one_minus_beta1;
  let v = second[i] * step.beta2 + g * g * step.one_minus_beta2;
  p -= step.step_size * m / (sqrt(v) / step.root_correction2 + step.epsilon);
  weight[i] = p;
  first[i] = m;
  second[i] = v;
  #if ${ema}
  let average = ema[i];
  ema[i] = average - step.one_minus_ema * (average - p);
  #endif
  #if ${halves}
  halves[i] = vec2u(half_pair(p.x, p.y), half_pair(p.z, p.w));
  #endif
}
`;
  return { label: `adam${ema ? ', ema' : ''}${halves ? ', f16' : ''}`, code, bindings };
}
