import { activationFunctions } from '../lib/activations.wgsl.js';
import {
  type ActivationLayout,
  at,
  declareBindings,
  declareShape,
  type Kernel,
  type KernelBinding,
  SHAPE_BINDING,
  shapeWords,
} from '../lib/kernel.js';
import { workgroupReduction } from '../lib/reduce.wgsl.js';
import { f32, wgsl } from '../lib/wgsl.js';

/** What the text of the kernel depends on; sizes come with `groupNormShape`. */
export interface GroupNormParameters {
  readonly epsilon: number;
  readonly invocations: number;
  /** FiLM with scale (h · scale + bias), with bias alone, or none. */
  readonly film: 'scale-bias' | 'bias' | 'none';
  /** Whether FiLM has values of its own for every column. Default false. */
  readonly filmSlots?: boolean | undefined;
  readonly residual: boolean;
  /** Also write the value before FiLM, in the order [b][channels][length]; changes no other output. */
  readonly probed: boolean;
}

export interface GroupNormSizes {
  readonly channels: number;
  readonly length: number;
  readonly groups: number;
  /** Where this block's FiLM values begin in a row, and the length of a row, in elements. */
  readonly filmOffset: number;
  readonly filmRowLength: number;
  readonly x: ActivationLayout;
  readonly y: ActivationLayout;
  readonly residual?: ActivationLayout | undefined;
}

/** The kernel's `shape`. */
export function groupNormShape(sizes: GroupNormSizes): number[] {
  const { channels, length, groups, filmOffset, filmRowLength, x, y, residual } = sizes;
  return shapeWords([channels, length, channels / groups, filmOffset, filmRowLength], [x, y, ...(residual ? [residual] : [])]);
}

/** What a kernel that applies FiLM binds for it; `type` of values by column. */
export function filmKernelBindings(
  { film, filmSlots = false }: Pick<GroupNormParameters, 'film' | 'filmSlots'>,
  type: 'array<f32>' | 'array<vec4f>',
): KernelBinding[] {
  if (film === 'none') return [];
  if (filmSlots) return [{ name: 'slot_film', access: 'read', type }];
  return [
    { name: 'timestep_film', access: 'read', type: 'array<f32>', dynamic: true },
    { name: 'observation_film', access: 'read', type: 'array<f32>' },
  ];
}

/** Bindings of both kernels of group norms, which bring their own `x` and `residual`. */
export function groupNormBindings(
  p: Pick<GroupNormParameters, 'film' | 'filmSlots' | 'probed'>,
  x: KernelBinding,
  residual: KernelBinding | undefined,
): KernelBinding[] {
  return [
    SHAPE_BINDING,
    x,
    { name: 'gamma', access: 'read', type: 'array<f32>' },
    { name: 'beta', access: 'read', type: 'array<f32>' },
    ...filmKernelBindings(p, 'array<f32>'),
    ...(residual ? [residual] : []),
    { name: 'y', access: 'read_write', type: 'array<f32>' },
    ...(p.probed ? [{ name: 'probe', access: 'read_write', type: 'array<f32>' } as const] : []),
  ];
}

/** What the texts of both begin with. */
export function groupNormOpening(p: Pick<GroupNormParameters, 'epsilon' | 'invocations'>, bindings: readonly KernelBinding[]): string {
  const hasResidual = bindings.some(({ name }) => name === 'residual');
  return wgsl`${declareShape(
    ['channels', 'time_steps', 'group_channels', 'film_offset', 'film_row_length'],
    ['x', 'y', ...(hasResidual ? ['residual'] : [])],
  )}
${declareBindings(bindings)}

const INVOCATIONS: u32 = ${p.invocations}u;
const EPSILON: f32 = ${f32(p.epsilon)};

${activationFunctions('mish')}
${workgroupReduction(p.invocations, ['sum'])}`;
}

/**
 * Group norm, Mish, FiLM (Perez et al. 2018) and residual in one pass over an activation:
 *
 *     h[c, t] = mish( (x[c, t] − mean_g) / √(var_g + ε) · gamma[c] + beta[c] )
 *     y[c, t] = h · film[c] + film[channels + c] + residual[c, t]        film = timestep_film + observation_film
 *
 * Mean and (biased) variance are over the channels of a group and all columns, in f32 and in two passes. FiLM with bias
 * alone has one value per channel: h + film[c]. With `filmSlots` every column has values of its own, film[…, t] = slot_film[…, t].
 *
 * Bindings: shape · x, y, residual f32 by layout · gamma, beta f32 [channels] · timestep_film f32 [rowLength], at the
 * offset of the timestep's row · observation_film f32 [b][rowLength] · in their place slot_film f32 [b][rowLength][length] · probe f32 [b][channels][length].
 * A workgroup owns one group of one sample.
 */
export function groupNormKernel(p: GroupNormParameters): Kernel {
  const modulated = p.film !== 'none';
  const { filmSlots = false } = p;
  const film = (value: string): string => (filmSlots ? `film(batch, ${value}, time)` : `film(batch, ${value})`);
  const bindings = groupNormBindings(
    p,
    { name: 'x', access: 'read', type: 'array<f32>' },
    p.residual ? { name: 'residual', access: 'read', type: 'array<f32>' } : undefined,
  );
  const code = wgsl`
${groupNormOpening(p, bindings)}

fn load(batch: u32, channel: u32, time: u32) -> f32 {
  return x[${at('x', 'batch', 'channel', 'time')}];
}

#if ${modulated && filmSlots}
fn film(batch: u32, value: u32, time: u32) -> f32 {
  return slot_film[(batch * shape.film_row_length + shape.film_offset + value) * shape.time_steps + time];
}
#elif ${modulated}
fn film(batch: u32, value: u32) -> f32 {
  let index = shape.film_offset + value;
  return timestep_film[index] + observation_film[batch * shape.film_row_length + index];
}
#endif

@compute @workgroup_size(${p.invocations})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let length = shape.time_steps;
  let elements = shape.group_channels * length;
  let first = workgroup.x * shape.group_channels;
  let batch = workgroup.z;

  var sum = 0.0f;
  for (var e = local; e < elements; e += INVOCATIONS) {
    sum += load(batch, first + e / length, e % length);
  }
  let mean = reduce_sum(sum, local) / f32(elements);

  var squares = 0.0f;
  for (var e = local; e < elements; e += INVOCATIONS) {
    let d = load(batch, first + e / length, e % length) - mean;
    squares += d * d;
  }
  let deviation = sqrt(reduce_sum(squares, local) / f32(elements) + EPSILON);

  for (var e = local; e < elements; e += INVOCATIONS) {
    let channel = first + e / length;
    let time = e % length;
    var h = mish((load(batch, channel, time) - mean) / deviation * gamma[channel] + beta[channel]);
    #if ${p.probed}
    probe[(batch * shape.channels + channel) * length + time] = h;
    #endif
    #if ${p.film === 'scale-bias'}
    h = h * ${film('channel')} + ${film('shape.channels + channel')};
    #elif ${p.film === 'bias'}
    h += ${film('channel')};
    #endif
    #if ${p.residual}
    h += residual[${at('residual', 'batch', 'channel', 'time')}];
    #endif
    y[${at('y', 'batch', 'channel', 'time')}] = h;
  }
}
`;
  const parts = [
    'group_norm',
    modulated ? `film ${p.film}${filmSlots ? ' per column' : ''}` : '',
    p.residual ? 'residual' : '',
    p.probed ? 'probed' : '',
  ];
  return { label: parts.filter((part) => part !== '').join(', '), code, bindings };
}
