import { declareBindings, type KernelBinding } from '../lib/kernel.js';
import { reportNonFinite } from '../lib/status.wgsl.js';
import { wgsl } from '../lib/wgsl.js';

/** Bytes of the uniform `step`; fields in the order of the struct below. */
export const STEP_UNIFORM_BYTES = 64;

/** What both kernels of solver steps bind: see solver-step.wgsl.ts. */
export const STEP_BINDINGS: KernelBinding[] = [
  { name: 'step', access: 'uniform', type: 'Step', dynamic: true },
  { name: 'output', access: 'read', type: 'array<f32>' },
  { name: 'noise', access: 'read', type: 'array<f32>', dynamic: true },
  { name: 'sample', access: 'read_write', type: 'array<f32>' },
  { name: 'x0', access: 'read_write', type: 'array<vec2f>' },
  { name: 'status', access: 'read_write', type: 'array<atomic<u32>>' },
];

/** The step's coefficients, x̂0 of an element as the network has it, and the update once it is bounded. */
export const solverUpdate = wgsl`
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
  from_older_x0: f32,
  threshold_quantile: f32,
  threshold_most: f32,
}
${declareBindings(STEP_BINDINGS)}
${reportNonFinite}

fn predicted_x0(index: u32) -> f32 {
  return step.x0_from_sample * sample[index] + step.x0_from_output * output[index];
}

fn update(index: u32, clean: f32) {
  let x = sample[index];
  let m = output[index];
  report_non_finite(m, step.status_code);
  let eps = step.eps_from_sample * x + step.eps_from_output * m;
  let past = x0[index];
  var next = step.from_x0 * clean + step.from_eps * eps + step.from_sample * x;
  // A coefficient of 0 means "not there": buffers of unused terms may hold anything, NaN included.
  if (step.from_previous_x0 != 0.0f) {
    next += step.from_previous_x0 * past.x;
  }
  if (step.from_older_x0 != 0.0f) {
    next += step.from_older_x0 * past.y;
  }
  if (step.from_noise != 0.0f) {
    next += step.from_noise * noise[index];
  }
  x0[index] = vec2f(clean, past.x);
  sample[index] = next;
}
`;
