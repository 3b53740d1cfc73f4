import { at, type Kernel, type KernelBinding, UNIFORM_INPUT_BYTES } from '../lib/kernel.js';
import { unroll, wgsl } from '../lib/wgsl.js';
import { type GroupNormParameters, groupNormBindings, groupNormOpening } from './group-norm.wgsl.js';

/** How four columns of a channel are loaded: as a vec4f of a layout with columns side by side, from a uniform or not, or one by one. */
export type ColumnLoads = 'uniform' | 'storage' | 'scalar';

export interface GroupNormColumnsParameters extends Omit<GroupNormParameters, 'filmSlots' | 'residual'> {
  readonly x: Exclude<ColumnLoads, 'scalar'>;
  /** undefined: none. */
  readonly residual: ColumnLoads | undefined;
}

/**
 * What group-norm.wgsl.ts computes, for a number of columns that 4 divides: an invocation owns whole channels of the group, every
 * INVOCATIONS-th, and takes four columns at once. So the values of a channel (gamma, beta, FiLM) are loaded once and not for every element, nothing is
 * divided to find a place, and activations come from a uniform where they fit: on lavapipe these are nearly all of the time.
 *
 * Bindings, shape and workgroups are those of groupNormKernel; x vec4f, residual vec4f or f32. Sums over a group have another order than there.
 */
export function groupNormColumnsKernel(p: GroupNormColumnsParameters): Kernel {
  const bindings = groupNormBindings(p, columnBinding('x', p.x), p.residual && columnBinding('residual', p.residual));
  const code = wgsl`
${groupNormOpening(p, bindings)}

fn load(batch: u32, channel: u32, time: u32) -> vec4f {
  return ${columnsAt('x', p.x)};
}

fn sum_of(v: vec4f) -> f32 {
  return (v.x + v.y) + (v.z + v.w);
}

#if ${p.film !== 'none'}
fn film(batch: u32, value: u32) -> f32 {
  let index = shape.film_offset + value;
  return timestep_film[index] + observation_film[batch * shape.film_row_length + index];
}
#endif

@compute @workgroup_size(${p.invocations})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let length = shape.time_steps;
  let elements = f32(shape.group_channels * length);
  let first = workgroup.x * shape.group_channels;
  let end = first + shape.group_channels;
  let batch = workgroup.z;

  var sums = vec4f();
  for (var channel = first + local; channel < end; channel += INVOCATIONS) {
    for (var time = 0u; time < length; time += 4u) {
      sums += load(batch, channel, time);
    }
  }
  let mean = reduce_sum(sum_of(sums), local) / elements;

  var squares = vec4f();
  for (var channel = first + local; channel < end; channel += INVOCATIONS) {
    for (var time = 0u; time < length; time += 4u) {
      let d = load(batch, channel, time) - mean;
      squares += d * d;
    }
  }
  let deviation = sqrt(reduce_sum(sum_of(squares), local) / elements + EPSILON);

  for (var channel = first + local; channel < end; channel += INVOCATIONS) {
    let scale = gamma[channel];
    let shift = beta[channel];
    #if ${p.film === 'scale-bias'}
    let film_scale = film(batch, channel);
    let film_shift = film(batch, shape.channels + channel);
    #endif
    for (var time = 0u; time < length; time += 4u) {
      var h = mish4((load(batch, channel, time) - mean) / deviation * scale + shift);
      #if ${p.probed}
${unroll(4, (k) => `      probe[(batch * shape.channels + channel) * length + time + ${k}u] = h[${k}];`)}
      #endif
      #if ${p.film === 'scale-bias'}
      h = h * film_scale + film_shift;
      #elif ${p.film === 'bias'}
      h += film(batch, channel);
      #endif
      #if ${p.residual !== undefined}
      h += ${columnsAt('residual', p.residual ?? 'scalar')};
      #endif
${unroll(4, (k) => `      y[${at('y', 'batch', 'channel', `(time + ${k}u)`)}] = h[${k}];`)}
    }
  }
}
`;
  const parts = [
    `group_norm by fours, x ${p.x}`,
    p.film === 'none' ? '' : `film ${p.film}`,
    p.residual ? `residual ${p.residual}` : '',
    p.probed ? 'probed' : '',
  ];
  return { label: parts.filter((part) => part !== '').join(', '), code, bindings };
}

function columnBinding(name: string, loads: ColumnLoads): KernelBinding {
  if (loads === 'uniform') return { name, access: 'uniform', type: `array<vec4f, ${UNIFORM_INPUT_BYTES / 16}>` };
  return { name, access: 'read', type: loads === 'storage' ? 'array<vec4f>' : 'array<f32>' };
}

/** Four columns of [batch, channel] from `time` on. */
function columnsAt(name: string, loads: ColumnLoads): string {
  if (loads !== 'scalar') return `${name}[(${at(name, 'batch', 'channel', 'time')}) / 4u]`;
  return `vec4f(${[0, 1, 2, 3].map((k) => `${name}[${at(name, 'batch', 'channel', `(time + ${k}u)`)}]`).join(', ')})`;
}
