import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { lineIndex } from '../lib/line.wgsl.js';
import { wgsl } from '../lib/wgsl.js';

export const SAMPLE_WORKGROUP = 64;

export const NOISY_SAMPLE_SIZES = ['rows', 'places', 'channels', 'row'] as const;

/**
 * What the network sees of an action chunk (Ho et al. 2020, eq. 4):
 *
 *     x[b, t, d] = a_b · action[b, t, d] + s_b · noise[b, t, d]        a = √ᾱ_t, s = √(1 − ᾱ_t), from the host in float64
 *
 * Bindings: shape · action, noise f32 [b][t][d] · coefficients vec2f [b] · x f32 rows [b·length + t][row], 0 past the channels.
 * An invocation owns an element of x.
 */
export function noisySampleKernel(): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'action', access: 'read', type: 'array<f32>' },
    { name: 'noise', access: 'read', type: 'array<f32>' },
    { name: 'coefficients', access: 'read', type: 'array<vec2f>' },
    { name: 'x', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(NOISY_SAMPLE_SIZES)}
${declareBindings(bindings)}

@compute @workgroup_size(${SAMPLE_WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = ${lineIndex(SAMPLE_WORKGROUP)};
  if (e >= shape.rows * shape.row) {
    return;
  }
  let n = e / shape.row;
  let channel = e % shape.row;
  var value = 0.0f;
  if (channel < shape.channels) {
    let at = n * shape.channels + channel;
    let c = coefficients[n / shape.places];
    value = c.x * action[at] + c.y * noise[at];
  }
  x[e] = value;
}
`;
  return { label: 'noisy_sample', code, bindings };
}
