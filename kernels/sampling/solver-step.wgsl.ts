import type { Kernel } from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';
import { type OutputParts, partsLabel, type StepSlots, solverUpdate, stepBindings } from './solver-update.wgsl.js';

/**
 * One solver step (DDPM, DDIM, DPM-Solver++) as a linear update with the host's coefficients:
 *
 *     x̂0  = x0_from_sample · x + x0_from_output · m,  clamped to ±clip when clip > 0
 *     ε̂   = eps_from_sample · x + eps_from_output · m
 *     x   ← from_x0 · x̂0 + from_eps · ε̂ + from_sample · x + from_previous_x0 · x̂0′ + from_older_x0 · x̂0″ + from_noise · z
 *
 * m is the network's output, x̂0′ and x̂0″ the x̂0 of the last step and of the one before, z standard normal noise.
 * Bindings: step, one per denoising step · output (m), noise (z) f32 [b][elements] · sample (x) f32 [b][elements] ·
 * x0 vec2f [b][elements] (x̂0′ and x̂0″ in, x̂0 and x̂0′ out) · status [b], raised to status_code when m is NaN or infinite.
 * With `slots` a step has coefficients for each row of the chunk, and the binding is steps, array<Step, rows>.
 * With `parts` m is its bias and the sum of its parts, and output_bias f32 [channels] follows output. An invocation owns one element.
 */
export function solverStepKernel(elements: number, invocations: number, parts?: OutputParts, slots?: StepSlots): Kernel {
  const code = wgsl`
${solverUpdate(parts, slots)}
const ELEMENTS: u32 = ${elements}u;

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ELEMENTS) {
    return;
  }
  let index = id.z * ELEMENTS + id.x;
  #if ${slots !== undefined}
  choose_step(id.x);
  #endif
  var clean = predicted_x0(index);
  if (step.clip > 0.0f) {
    clean = clamp(clean, -step.clip, step.clip);
  }
  update(index, id.z, clean);
}
`;
  const perSlot = slots ? `, ${slots.rows} slots` : '';
  return { label: `solver_step ${elements}${partsLabel(parts)}${perSlot}`, code, bindings: stepBindings(parts, slots) };
}
