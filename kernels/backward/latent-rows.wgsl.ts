import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { lineIndex } from '../lib/line.wgsl.js';
import { OWNERS_AT_ONCE } from '../lib/owners.wgsl.js';
import { STEP_BINDING, stepStruct } from '../lib/step-scalars.js';
import { wgsl } from '../lib/wgsl.js';

/** Invocations of the forward pass, and samples of a workgroup of the backward pass. */
export const LATENT_WORKGROUP = 64;
export const LATENT_SAMPLES = OWNERS_AT_ONCE;

export const LATENT_SIZES = [
  'samples',
  'condition',
  'latents',
  'from_offset',
  'from_row',
  'heads_row',
  'joined_row',
  'first_loss',
] as const;

/**
 * Standard deviation of a latent from what its head says:
 * - `exp`: e^clamp(raw, −6, 6), STEP's release
 * - `softplus`: clamp(ln(1 + e^raw), 0.01, 10), BRIDGER's
 */
export type LatentDeviation = 'exp' | 'softplus';

/** `deviation(raw)`, its logarithm and its slope; a clamped value has slope 0, at a bound itself 1, as PyTorch has it. */
const DEVIATIONS: Readonly<Record<LatentDeviation, string>> = {
  exp: wgsl`
fn deviation(raw: f32) -> f32 {
  return exp(clamp(raw, -6.0f, 6.0f));
}
fn log_deviation(raw: f32) -> f32 {
  return clamp(raw, -6.0f, 6.0f);
}
fn slope(raw: f32) -> f32 {
  return select(0.0f, exp(raw), raw >= -6.0f && raw <= 6.0f);
}`,
  softplus: wgsl`
fn softplus(x: f32) -> f32 {
  let e = exp(-abs(x));
  // ln(1 + e), where 1 + e has lost the digits of e as a series.
  let series = e * (1.0f - e * (0.5f - e * (0.33333333f - e * (0.25f - e * 0.2f))));
  return max(x, 0.0f) + select(log(1.0f + e), series, e < 0.05f);
}
fn deviation(raw: f32) -> f32 {
  return clamp(softplus(raw), 0.01f, 10.0f);
}
fn log_deviation(raw: f32) -> f32 {
  return log(deviation(raw));
}
fn slope(raw: f32) -> f32 {
  let free = softplus(raw);
  return select(0.0f, 1.0f / (1.0f + exp(-raw)), free >= 0.01f && free <= 10.0f);
}`,
};

/**
 * The input of a CVAE's decoder, with a latent drawn from the posterior (Kingma and Welling 2014, §2.4):
 *
 *     joined[b] = [ from[b, 0 … C) ; mean[b] + σ(raw[b]) ε[b] ]        0 past C + L
 *
 * Bindings: shape · from f32 rows, whose first C columns are the condition · heads f32 rows [mean ; raw] of L each · drawn f32 [b][L], ε ·
 * joined f32 rows. An invocation owns an element of `joined`.
 */
export function latentForwardKernel(kind: LatentDeviation): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'source', access: 'read', type: 'array<f32>' },
    { name: 'heads', access: 'read', type: 'array<f32>' },
    { name: 'drawn', access: 'read', type: 'array<f32>' },
    { name: 'joined', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(LATENT_SIZES)}
${declareBindings(bindings)}
${DEVIATIONS[kind]}

@compute @workgroup_size(${LATENT_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = ${lineIndex(LATENT_WORKGROUP)};
  if (e >= shape.samples * shape.joined_row) {
    return;
  }
  let b = e / shape.joined_row;
  let j = e % shape.joined_row;
  var value = 0.0f;
  if (j < shape.condition) {
    value = source[shape.from_offset + b * shape.from_row + j];
  } else if (j < shape.condition + shape.latents) {
    let l = j - shape.condition;
    let mean = heads[b * shape.heads_row + l];
    let raw = heads[b * shape.heads_row + shape.latents + l];
    value = mean + deviation(raw) * drawn[b * shape.latents + l];
  }
  joined[e] = value;
}
`;
  return { label: `latent_forward ${kind}`, code, bindings };
}

/**
 * Its backward pass, and the divergence of the posterior from N(0, I), KL = Σ_l ½ (mean² + σ² − 1) − ln σ:
 *
 *     losses[first_loss + b] = w[b] KL[b]
 *     dmean = djoined + w mean / N        dσ = djoined ε + w (σ − 1/σ) / N        draw = dσ · σ'(raw)
 *
 * w: weight of the divergence, 0 for samples that do not count; N: from the host, with the step.
 * Bindings: shape · step · heads · drawn · weights f32 [b] · djoined f32 rows · dheads f32 rows, 0 past 2 L · losses f32. An invocation
 * owns a sample.
 */
export function latentBackwardKernel(kind: LatentDeviation): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    STEP_BINDING,
    { name: 'heads', access: 'read', type: 'array<f32>' },
    { name: 'drawn', access: 'read', type: 'array<f32>' },
    { name: 'weights', access: 'read', type: 'array<f32>' },
    { name: 'djoined', access: 'read', type: 'array<f32>' },
    { name: 'dheads', access: 'read_write', type: 'array<f32>' },
    { name: 'losses', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(LATENT_SIZES)}
${stepStruct}
${declareBindings(bindings)}
${DEVIATIONS[kind]}

@compute @workgroup_size(${LATENT_SAMPLES})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let b = id.x;
  if (b >= shape.samples) {
    return;
  }
  let weight = weights[b] * step.inverse_count;
  var divergence = 0.0f;
  for (var l = 0u; l < shape.latents; l++) {
    let mean = heads[b * shape.heads_row + l];
    let raw = heads[b * shape.heads_row + shape.latents + l];
    let sigma = deviation(raw);
    let gradient = djoined[b * shape.joined_row + shape.condition + l];
    dheads[b * shape.heads_row + l] = gradient + weight * mean;
    let dsigma = gradient * drawn[b * shape.latents + l] + weight * (sigma - 1.0f / sigma);
    dheads[b * shape.heads_row + shape.latents + l] = dsigma * slope(raw);
    divergence += 0.5f * (mean * mean + sigma * sigma - 1.0f) - log_deviation(raw);
  }
  for (var j = 2u * shape.latents; j < shape.heads_row; j++) {
    dheads[b * shape.heads_row + j] = 0.0f;
  }
  losses[shape.first_loss + b] = weights[b] * divergence;
}
`;
  return { label: `latent_backward ${kind}`, code, bindings };
}
