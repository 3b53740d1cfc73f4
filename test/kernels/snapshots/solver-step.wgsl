// solver_step 32
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

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ELEMENTS) {
    return;
  }
  let index = id.z * ELEMENTS + id.x;
  
  var clean = predicted_x0(index);
  if (step.clip > 0.0f) {
    clean = clamp(clean, -step.clip, step.clip);
  }
  update(index, id.z, clean);
}
