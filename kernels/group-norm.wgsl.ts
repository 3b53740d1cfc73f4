import { activationFunctions } from './activations.wgsl.js';
import { at, declareBindings, type ActivationLayout, type Kernel, type KernelBinding } from './kernel.js';
import { workgroupReduction } from './reduce.wgsl.js';
import { f32, wgsl } from './wgsl.js';

export interface GroupNormParameters {
  readonly channels: number;
  readonly length: number;
  readonly groups: number;
  readonly epsilon: number;
  /** Power of two. */
  readonly invocations: number;
  readonly x: ActivationLayout;
  readonly y: ActivationLayout;
  readonly film?: FilmParameters;
  readonly residual?: ActivationLayout;
  /** Also write the value before FiLM, in the order [b][channels][length]; changes no other output. */
  readonly tapped?: boolean;
}

/** Feature-wise linear modulation (Perez et al. 2018) by a row for the timestep plus a row for the observation. */
export interface FilmParameters {
  /** With scale: h · scale + bias, the first `channels` values are scales. Without: h + bias. */
  readonly scale: boolean;
  /** Where this block's values begin in a row, and the length of a row, in elements. */
  readonly offset: number;
  readonly rowLength: number;
}

/**
 * Group norm, Mish, FiLM and residual in one pass over an activation:
 *
 *     h[c, t] = mish( (x[c, t] − mean_g) / √(var_g + ε) · gamma[c] + beta[c] )
 *     y[c, t] = h · film[c] + film[channels + c] + residual[c, t]        film = timestep_film + observation_film
 *
 * Mean and (biased) variance are over the channels of a group and all columns, in f32 and in two passes.
 *
 * Bindings: x, y, residual f32 by layout · gamma, beta f32 [channels] · timestep_film f32 [rowLength], at the offset of
 * the timestep's row · observation_film f32 [b][rowLength] · tap f32 [b][channels][length].
 * A workgroup owns one group of one sample.
 */
export function groupNormKernel(p: GroupNormParameters): Kernel {
  const bindings: KernelBinding[] = [
    { name: 'x', access: 'read', type: 'array<f32>' },
    { name: 'gamma', access: 'read', type: 'array<f32>' },
    { name: 'beta', access: 'read', type: 'array<f32>' },
    ...(p.film
      ? ([
          { name: 'timestep_film', access: 'read', type: 'array<f32>', dynamic: true },
          { name: 'observation_film', access: 'read', type: 'array<f32>' },
        ] as const)
      : []),
    ...(p.residual ? [{ name: 'residual', access: 'read', type: 'array<f32>' } as const] : []),
    { name: 'y', access: 'read_write', type: 'array<f32>' },
    ...(p.tapped ? [{ name: 'tap', access: 'read_write', type: 'array<f32>' } as const] : []),
  ];
  const film = (index: string): string =>
    `timestep_film[${index}] + observation_film[batch * ${p.film?.rowLength ?? 0}u + ${index}]`;
  const code = wgsl`
${declareBindings(bindings)}

const CHANNELS: u32 = ${p.channels}u;
const LENGTH: u32 = ${p.length}u;
const GROUP_CHANNELS: u32 = ${p.channels / p.groups}u;
const ELEMENTS: u32 = GROUP_CHANNELS * LENGTH;
const INVOCATIONS: u32 = ${p.invocations}u;
const EPSILON: f32 = ${f32(p.epsilon)};

${activationFunctions('mish')}
${workgroupReduction(p.invocations, ['sum'])}

fn load(batch: u32, channel: u32, time: u32) -> f32 {
  return x[${at(p.x, 'batch', 'channel', 'time')}];
}

@compute @workgroup_size(${p.invocations})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let first = workgroup.x * GROUP_CHANNELS;
  let batch = workgroup.z;

  var sum = 0.0f;
  for (var e = local; e < ELEMENTS; e += INVOCATIONS) {
    sum += load(batch, first + e / LENGTH, e % LENGTH);
  }
  let mean = reduce_sum(sum, local) / f32(ELEMENTS);

  var squares = 0.0f;
  for (var e = local; e < ELEMENTS; e += INVOCATIONS) {
    let d = load(batch, first + e / LENGTH, e % LENGTH) - mean;
    squares += d * d;
  }
  let deviation = sqrt(reduce_sum(squares, local) / f32(ELEMENTS) + EPSILON);

  for (var e = local; e < ELEMENTS; e += INVOCATIONS) {
    let channel = first + e / LENGTH;
    let time = e % LENGTH;
    var h = mish((load(batch, channel, time) - mean) / deviation * gamma[channel] + beta[channel]);
    #if ${p.tapped === true}
    tap[(batch * CHANNELS + channel) * LENGTH + time] = h;
    #endif
    #if ${p.film !== undefined && p.film.scale}
    let scale_index = ${p.film?.offset ?? 0}u + channel;
    let bias_index = scale_index + CHANNELS;
    h = h * (${film('scale_index')}) + (${film('bias_index')});
    #elif ${p.film !== undefined}
    let bias_index = ${p.film?.offset ?? 0}u + channel;
    h += ${film('bias_index')};
    #endif
    #if ${p.residual !== undefined}
    h += residual[${p.residual ? at(p.residual, 'batch', 'channel', 'time') : ''}];
    #endif
    y[${at(p.y, 'batch', 'channel', 'time')}] = h;
  }
}
`;
  const film_ = p.film ? (p.film.scale ? ' film' : ' film-bias') : '';
  return { label: `group_norm ${p.channels}x${p.length} g${p.groups}${film_}${p.residual ? ' residual' : ''}`, code, bindings };
}
