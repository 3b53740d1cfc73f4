import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { STEP_BINDING, stepStruct } from '../lib/step-scalars.js';
import { wgsl } from '../lib/wgsl.js';

/** Invocations that share the last level of the sums. */
const MEMBERS = 128;

/** What a step says of itself, in the order of the buffer. */
export const STEP_RESULTS = ['loss', 'norm', 'factor', 'proceed', 'refused_low', 'refused_high'] as const;

export const STEP_RESULT_SIZES = ['samples', 'square_sums'] as const;

/**
 * The end of a step's sums, and what follows from them:
 *
 *     loss = (Σ_b losses[b]) / N        norm = √(Σ_j sums[j])        factor = min(1, max / (norm + 10⁻⁶))
 *
 * proceed is 0 where the norm is NaN or infinite: the optimiser then changes nothing. That is asked of the bits, because a compiler may
 * assume that floating-point comparisons see no NaN. (refused_low, refused_high) is the number of the first update that was refused so, 0 while
 * none was: it stays until somebody clears it. Bindings: shape · step · losses f32 · sums f32 · result f32 [6].
 * One workgroup: ${MEMBERS} invocations take turns, the first one adds up what they found.
 */
export function stepResultKernel(): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    STEP_BINDING,
    { name: 'losses', access: 'read', type: 'array<f32>' },
    { name: 'sums', access: 'read', type: 'array<f32>' },
    { name: 'result', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(STEP_RESULT_SIZES)}
${stepStruct}
${declareBindings(bindings)}

var<workgroup> partial: array<vec2f, ${MEMBERS}>;

@compute @workgroup_size(${MEMBERS})
fn main(@builtin(local_invocation_index) local: u32) {
  var found = vec2f();
  for (var b = local; b < shape.samples; b += ${MEMBERS}u) {
    found.x += losses[b];
  }
  for (var start = local; start < shape.square_sums; start += ${MEMBERS * 64}u) {
    var block = 0.0f;
    for (var j = start; j < min(start + ${MEMBERS * 64}u, shape.square_sums); j += ${MEMBERS}u) {
      block += sums[j];
    }
    found.y += block;
  }
  partial[local] = found;
  workgroupBarrier();
  if (local == 0u) {
    var all = partial[0];
    for (var i = 1u; i < ${MEMBERS}u; i++) {
      all += partial[i];
    }
    let norm = sqrt(all.y);
    let finite = (bitcast<u32>(norm) & 0x7f800000u) != 0x7f800000u;
    result[0] = all.x * step.inverse_count;
    result[1] = norm;
    result[2] = select(1.0f, min(1.0f, step.clip_norm / (norm + 1e-6f)), step.clip_norm > 0.0f);
    result[3] = select(0.0f, 1.0f, finite);
    if (!finite && result[4] + result[5] == 0.0f) {
      result[4] = step.step_low;
      result[5] = step.step_high;
    }
  }
}
`;
  return { label: 'step_result', code, bindings };
}
