import type { Kernel } from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';
import { type OutputParts, partsLabel, solverUpdate, stepBindings } from './solver-update.wgsl.js';

/**
 * The solver step of solver-step.wgsl.ts for samples whose x̂0 is thresholded dynamically when threshold_most > 0:
 *
 *     q   = threshold_quantile of |x̂0| over the sample, at least 1 and at most threshold_most
 *     x̂0  ← clamp(x̂0, −q, q) / q
 *
 * The quantile lies between the values of rank ⌊p⌋ and ⌊p⌋ + 1, p = threshold_quantile · (elements − 1), as PyTorch has it. A value of given rank is
 * found bit by bit, as the largest bits that no more than rank values lie below: the bits of a number that is not negative sort as the number
 * does. The value after it is the same one again, or the smallest above. `count_below(…)` is
 * how many |x̂0| of the sample lie below one with these bits, the same for all invocations.
 * Bindings as there. A workgroup owns one sample, an invocation every \`invocations\`-th element of it.
 */
export function thresholdingStepKernel(elements: number, invocations: number, parts?: OutputParts): Kernel {
  const code = wgsl`
${solverUpdate(parts)}
const ELEMENTS: u32 = ${elements}u;
const INVOCATIONS: u32 = ${invocations}u;

var<workgroup> count: atomic<u32>;
var<workgroup> smallest: atomic<u32>;

fn count_below(first: u32, local: u32, bits: u32) -> u32 {
  var own = 0u;
  for (var e = local; e < ELEMENTS; e += INVOCATIONS) {
    own += select(0u, 1u, bitcast<u32>(abs(predicted_x0(first + e))) < bits);
  }
  atomicAdd(&count, own);
  workgroupBarrier();
  let all = atomicLoad(&count);
  workgroupBarrier();
  if (local == 0u) {
    atomicStore(&count, 0u);
  }
  workgroupBarrier();
  return all;
}

fn threshold(first: u32, local: u32) -> f32 {
  let position = step.threshold_quantile * f32(ELEMENTS - 1u);
  let rank = u32(floor(position));
  var low = 0u;
  for (var bit = 31u; bit > 0u; bit--) {
    let higher = low | (1u << (bit - 1u));
    if (count_below(first, local, higher) <= rank) {
      low = higher;
    }
  }
  let through = count_below(first, local, low + 1u);
  var own = 0xffffffffu;
  for (var e = local; e < ELEMENTS; e += INVOCATIONS) {
    let bits = bitcast<u32>(abs(predicted_x0(first + e)));
    own = select(own, min(own, bits), bits > low);
  }
  if (local == 0u) {
    atomicStore(&smallest, 0xffffffffu);
  }
  workgroupBarrier();
  atomicMin(&smallest, own);
  workgroupBarrier();
  let above = atomicLoad(&smallest);
  let high = select(above, low, through > rank + 1u || above == 0xffffffffu);
  let quantile = mix(bitcast<f32>(low), bitcast<f32>(high), position - f32(rank));
  return min(max(quantile, 1.0f), step.threshold_most);
}

@compute @workgroup_size(${invocations})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) id: vec3u) {
  let first = id.z * ELEMENTS;
  var bound = step.clip;
  var scale = 1.0f;
  if (step.threshold_most > 0.0f) {
    bound = threshold(first, local);
    scale = bound;
  }
  for (var e = local; e < ELEMENTS; e += INVOCATIONS) {
    var clean = predicted_x0(first + e);
    if (bound > 0.0f) {
      clean = clamp(clean, -bound, bound) / scale;
    }
    update(first + e, id.z, clean);
  }
}
`;
  return { label: `thresholding_step ${elements}${partsLabel(parts)}`, code, bindings: stepBindings(parts) };
}
