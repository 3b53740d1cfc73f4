import { declareBindings, type Kernel, type KernelBinding } from '../lib/kernel.js';
import { reportNonFinite } from '../lib/status.wgsl.js';
import { wgsl } from '../lib/wgsl.js';

/** Bytes of the uniform `step`; fields in the order of the struct below. */
export const STEP_UNIFORM_BYTES = 48;

/**
 * One solver step (DDPM, DDIM, DPM-Solver++) as a linear update with the host's coefficients:
 *
 *     x̂0  = x0_from_sample · x + x0_from_output · m,  clamped to ±clip when clip > 0
 *     ε̂   = eps_from_sample · x + eps_from_output · m
 *     x   ← from_x0 · x̂0 + from_eps · ε̂ + from_sample · x + from_previous_x0 · x̂0′ + from_noise · z
 *
 * m is the network's output, x̂0′ the x̂0 of the previous step, z standard normal noise.
 * Bindings: step, one per denoising step · output (m), noise (z) f32 [b][elements] · sample (x), x0 (x̂0′ in, x̂0 out)
 * f32 [b][elements] · status, raised to status_code when m is NaN or infinite. An invocation owns one element.
 */
export function solverStepKernel(elements: number, invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    { name: 'step', access: 'uniform', type: 'Step', dynamic: true },
    { name: 'output', access: 'read', type: 'array<f32>' },
    { name: 'noise', access: 'read', type: 'array<f32>', dynamic: true },
    { name: 'sample', access: 'read_write', type: 'array<f32>' },
    { name: 'x0', access: 'read_write', type: 'array<f32>' },
    { name: 'status', access: 'read_write', type: 'array<atomic<u32>>' },
  ];
  const code = wgsl`
struct Step {
  x0_from_sample: f32,
  x0_from_output: f32,
  eps_from_sample: f32,
  eps_from_output: f32,
  from_x0: f32,
  from_eps: f32,
  from_sample: f32,
  from_previous_x0: f32,
  from_noise: f32,
  clip: f32,
  status_code: u32,
  padding: u32,
}
${declareBindings(bindings)}

const ELEMENTS: u32 = ${elements}u;
${reportNonFinite}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ELEMENTS) {
    return;
  }
  let index = id.z * ELEMENTS + id.x;
  let x = sample[index];
  let m = output[index];
  report_non_finite(m, step.status_code);
  var clean = step.x0_from_sample * x + step.x0_from_output * m;
  if (step.clip > 0.0f) {
    clean = clamp(clean, -step.clip, step.clip);
  }
  let eps = step.eps_from_sample * x + step.eps_from_output * m;
  var next = step.from_x0 * clean + step.from_eps * eps + step.from_sample * x;
  // A coefficient of 0 means "not there": buffers of unused terms may hold anything, NaN included.
  if (step.from_previous_x0 != 0.0f) {
    next += step.from_previous_x0 * x0[index];
  }
  if (step.from_noise != 0.0f) {
    next += step.from_noise * noise[index];
  }
  x0[index] = clean;
  sample[index] = next;
}
`;
  return { label: `solver_step ${elements}`, code, bindings };
}
