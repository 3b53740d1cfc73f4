import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { OWNERS_AT_ONCE } from '../lib/owners.wgsl.js';
import { STEP_BINDING, stepStruct } from '../lib/step-scalars.js';
import { wgsl } from '../lib/wgsl.js';

/** `half`: from a mean to its deviation in a row [mean | raw] of both heads, each [places · channels] and padded; `row`: of chunks [b · places][channels]. */
export const GAUSSIAN_SIZES = ['samples', 'places', 'channels', 'half', 'row', 'first_loss'] as const;

export const GAUSSIAN_WORKGROUP = OWNERS_AT_ONCE;

/** softplus(x) = ln(1 + eˣ) without overflow, and its derivative. */
const SOFTPLUS = wgsl`
fn softplus(x: f32) -> f32 {
  let u = exp(-abs(x));
  // ln(1 + u) of a small u is u: 1 + u has lost it.
  return max(x, 0.0f) + select(log(1.0f + u), u, u < 1e-4f);
}
fn sigmoid(x: f32) -> f32 {
  let u = exp(-abs(x));
  return select(u, 1.0f, x >= 0.0f) / (1.0f + u);
}`;

/**
 * A start drawn around what two heads say (NO-Diffusion): start[b, t, d] = μ[b, t·D + d] + softplus(raw[b, t·D + d]) · z[b, t, d].
 *
 * Bindings: shape · heads f32 [b][mean | raw] · noise f32 rows · start f32 rows. An invocation owns a sample.
 */
export function gaussianStartKernel(): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'heads', access: 'read', type: 'array<f32>' },
    { name: 'noise', access: 'read', type: 'array<f32>' },
    { name: 'start', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(GAUSSIAN_SIZES)}
${declareBindings(bindings)}
${SOFTPLUS}

@compute @workgroup_size(${GAUSSIAN_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let batch = id.x;
  if (batch >= shape.samples) {
    return;
  }
  for (var t = 0u; t < shape.places; t++) {
    for (var channel = 0u; channel < shape.row; channel++) {
      let at = (batch * shape.places + t) * shape.row + channel;
      var value = 0.0f;
      if (channel < shape.channels) {
        let head = 2u * batch * shape.half + t * shape.channels + channel;
        value = heads[head] + softplus(heads[head + shape.half]) * noise[at];
      }
      start[at] = value;
    }
  }
}
`;
  return { label: 'gaussian_start', code, bindings };
}

/**
 * What the heads learn from: their own losses and the gradient of the start that was drawn from them. With e = a − μ, σ = softplus(raw):
 *
 *     L = (1/N) Σ w_σ (e² − σ²)² + w_μ e²
 *     dμ = dstart − (4 w_σ e (e² − σ²) + 2 w_μ e) / N        draw = (dstart · z − 4 w_σ σ (e² − σ²) / N) · sigmoid(raw)
 *
 * Bindings: shape · step · heads f32 [b][mean | raw] · action, noise, dstart f32 rows · weights vec2f [b · places] of w_σ, w_μ · dheads f32, as
 * heads · losses f32: those of σ of sample b at first_loss + b, those of μ behind them. An invocation owns a sample; what pads a row of
 * the heads becomes 0.
 */
export function gaussianLossKernel(): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    STEP_BINDING,
    { name: 'heads', access: 'read', type: 'array<f32>' },
    { name: 'action', access: 'read', type: 'array<f32>' },
    { name: 'noise', access: 'read', type: 'array<f32>' },
    { name: 'dstart', access: 'read', type: 'array<f32>' },
    { name: 'weights', access: 'read', type: 'array<vec2f>' },
    { name: 'dheads', access: 'read_write', type: 'array<f32>' },
    { name: 'losses', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(GAUSSIAN_SIZES)}
${stepStruct}
${declareBindings(bindings)}
${SOFTPLUS}

@compute @workgroup_size(${GAUSSIAN_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let batch = id.x;
  if (batch >= shape.samples) {
    return;
  }
  var loss = vec2f();
  for (var i = 0u; i < shape.half; i++) {
    let head = 2u * batch * shape.half + i;
    let t = i / shape.channels;
    if (t >= shape.places) {
      dheads[head] = 0.0f;
      dheads[head + shape.half] = 0.0f;
      continue;
    }
    let n = batch * shape.places + t;
    let at = n * shape.row + i % shape.channels;
    let weight = weights[n];
    let raw = heads[head + shape.half];
    let e = action[at] - heads[head];
    let deviation = softplus(raw);
    let excess = (e - deviation) * (e + deviation);
    loss += weight * vec2f(excess * excess, e * e);
    dheads[head] = dstart[at] - step.inverse_count * (4.0f * weight.x * e * excess + 2.0f * weight.y * e);
    let ddeviation = dstart[at] * noise[at] - step.inverse_count * 4.0f * weight.x * deviation * excess;
    dheads[head + shape.half] = ddeviation * sigmoid(raw);
  }
  losses[shape.first_loss + batch] = loss.x;
  losses[shape.first_loss + shape.samples + batch] = loss.y;
}
`;
  return { label: 'gaussian_loss', code, bindings };
}
