// thresholding_step 32
// bindings: uniform (dynamic), read, read (dynamic), read_write, read_write, read_write


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
@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> output: array<f32>;
@group(0) @binding(2) var<storage, read> noise: array<f32>;
@group(0) @binding(3) var<storage, read_write> sample: array<f32>;
@group(0) @binding(4) var<storage, read_write> x0: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> status: array<atomic<u32>>;

fn report_non_finite(value: f32, sample_index: u32, code: u32) {
  if ((bitcast<u32>(value) & 0x7f800000u) == 0x7f800000u) {
    atomicMax(&status[sample_index], code);
  }
}




fn predicted_x0(index: u32) -> f32 {
  return step.x0_from_sample * sample[index] + step.x0_from_output * output[index];
}

fn update(index: u32, sample_index: u32, clean: f32) {
  let x = sample[index];
  let m = output[index];
  
  report_non_finite(m, sample_index, step.status_code);
  let eps = step.eps_from_sample * x + step.eps_from_output * m;
  let past = x0[index];
  var next = step.from_x0 * clean + step.from_eps * eps + step.from_sample * x;
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

const ELEMENTS: u32 = 32u;
const INVOCATIONS: u32 = 64u;

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

@compute @workgroup_size(64)
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
