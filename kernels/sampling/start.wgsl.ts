import { declareBindings, type Kernel, type KernelBinding } from '../lib/kernel.js';
import { reportNonFinite } from '../lib/status.wgsl.js';
import { wgsl } from '../lib/wgsl.js';

/** Bytes per sample of the binding `scales`: prediction_scale f32, noise_scale f32. */
export const START_SCALES_BYTES = 8;

/** Status code of a start that is not finite; solver steps report smaller ones. */
export const START_STATUS = 0xffff_ffff;

/**
 * The sample that denoising begins from:
 *
 *     x[b, e] = prediction_scale[b] · prediction[b, e] + noise_scale[b] · noise[b, e]
 *
 * prediction_scale 0 is the cold start; the prediction is then not looked at (it may be left from an earlier decision).
 * Bindings: scales vec2f [b] · prediction, noise, x f32 [b][elements] · status [b], raised to START_STATUS by NaN or
 * infinity. An invocation owns one element.
 */
export function startKernel(elements: number, invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    { name: 'scales', access: 'read', type: 'array<vec2f>' },
    { name: 'prediction', access: 'read', type: 'array<f32>' },
    { name: 'noise', access: 'read', type: 'array<f32>' },
    { name: 'x', access: 'read_write', type: 'array<f32>' },
    { name: 'status', access: 'read_write', type: 'array<atomic<u32>>' },
  ];
  const code = wgsl`
${declareBindings(bindings)}

const ELEMENTS: u32 = ${elements}u;
const START_STATUS: u32 = ${START_STATUS}u;
${reportNonFinite}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ELEMENTS) {
    return;
  }
  let index = id.z * ELEMENTS + id.x;
  let scale = scales[id.z];
  var value = scale.y * noise[index];
  if (scale.x != 0.0f) {
    value += scale.x * prediction[index];
  }
  report_non_finite(value, id.z, START_STATUS);
  x[index] = value;
}
`;
  return { label: `start ${elements}`, code, bindings };
}
