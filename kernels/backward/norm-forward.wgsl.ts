import { activationFunctions } from '../lib/activations.wgsl.js';
import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { ownerText } from '../lib/owners.wgsl.js';
import { f32, wgsl } from '../lib/wgsl.js';

export type FilmKind = 'scale-bias' | 'bias' | 'none';

export interface TrainedNormParameters {
  readonly epsilon: number;
  /** Invocations that share a group of a sample. */
  readonly members: number;
  readonly film: FilmKind;
  /** Whether every place of a sample has FiLM values of its own. Default false: a sample has one row of them. */
  readonly filmByPlace?: boolean;
  /** Also writes what lies between Mish and FiLM, or its gradient, as [b][length][channels]. */
  readonly probed: boolean;
}

export const NORM_SIZES = [
  'batch',
  'places',
  'channels',
  'groups',
  'group_channels',
  'film_offset',
  'film_row',
  'x_offset',
  'x_row',
  'y_offset',
  'y_row',
  'other_offset',
  'other_row',
] as const;

/**
 * The forward pass of group norm, Mish, FiLM and residual over rows:
 *
 *     x̂ = (x − μ_g) r_g      r_g = 1 / √(var_g + ε)      y = film( mish(x̂ · γ + β) ) + residual
 *
 * Mean and (biased) variance over the channels of a group and all places of a sample, in two passes, each a sum of the sums of channels. FiLM with scale is
 * h · f[c] + f[channels + c], with bias alone h + f[c]; a sample has one row f, or (`filmByPlace`) every place its own.
 * Kept for the backward pass: x and (μ, r). All else is computed again there.
 *
 * Bindings: shape · x, residual, y f32 rows [b·length + t][channels] · affine f32 [γ | β | …][channels] · film f32 [b][row], or [b·length + t][row] ·
 * statistics vec2f [b][groups] · probe f32 [b][length][channels].
 * A part is a group of a sample (owners.wgsl.ts); a member owns every `members`-th channel.
 */
export function normForwardKernel(p: TrainedNormParameters & { readonly residual: boolean }): Kernel {
  const owner = ownerText(p.members);
  const { filmByPlace = false } = p;
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<f32>' },
    { name: 'affine', access: 'read', type: 'array<f32>' },
    ...(p.film === 'none' ? [] : [{ name: 'film', access: 'read', type: 'array<f32>' } as const]),
    ...(p.residual ? [{ name: 'residual', access: 'read', type: 'array<f32>' } as const] : []),
    { name: 'y', access: 'read_write', type: 'array<f32>' },
    { name: 'statistics', access: 'read_write', type: 'array<vec2f>' },
    ...(p.probed ? [{ name: 'probe', access: 'read_write', type: 'array<f32>' } as const] : []),
  ];
  const code = wgsl`
${declareShape(NORM_SIZES)}
${declareBindings(bindings)}

const MEMBERS: u32 = ${p.members}u;
const EPSILON: f32 = ${f32(p.epsilon)};
${activationFunctions('mish')}
${owner.functions}

@compute @workgroup_size(${owner.workgroupSize})
fn main(${owner.parameters}) {
${owner.prepare('shape.batch * shape.groups')}
  let batch = owner / shape.groups;
  let first = owner % shape.groups * shape.group_channels;
  let end = first + shape.group_channels;
  let first_row = batch * shape.places;
  let elements = f32(shape.group_channels * shape.places);

  var sum = 0.0f;
  for (var c = first + member; c < end; c += MEMBERS) {
    var at = shape.x_offset + first_row * shape.x_row + c;
    var of_channel = 0.0f;
    for (var t = 0u; t < shape.places; t++) {
      of_channel += x[at];
      at += shape.x_row;
    }
    sum += of_channel;
  }
  let mean = reduce_sum(sum, local) / elements;
  var squares = 0.0f;
  for (var c = first + member; c < end; c += MEMBERS) {
    var at = shape.x_offset + first_row * shape.x_row + c;
    var of_channel = 0.0f;
    for (var t = 0u; t < shape.places; t++) {
      let d = x[at] - mean;
      of_channel += d * d;
      at += shape.x_row;
    }
    squares += of_channel;
  }
  let r = 1.0f / sqrt(reduce_sum(squares, local) / elements + EPSILON);
  if (member == 0u) {
    statistics[owner] = vec2f(mean, r);
  }

  for (var c = first + member; c < end; c += MEMBERS) {
    let gamma = affine[c];
    let beta = affine[shape.channels + c];
    #if ${p.film === 'scale-bias' && !filmByPlace}
    let film_at = batch * shape.film_row + shape.film_offset + c;
    let film_scale = film[film_at];
    let film_bias = film[film_at + shape.channels];
    #elif ${p.film === 'bias' && !filmByPlace}
    let film_bias = film[batch * shape.film_row + shape.film_offset + c];
    #endif
    for (var t = 0u; t < shape.places; t++) {
      let row = first_row + t;
      var h = mish((x[shape.x_offset + row * shape.x_row + c] - mean) * r * gamma + beta);
      #if ${p.probed}
      probe[row * shape.channels + c] = h;
      #endif
      #if ${p.film === 'scale-bias' && filmByPlace}
      let film_at = row * shape.film_row + shape.film_offset + c;
      h = h * film[film_at] + film[film_at + shape.channels];
      #elif ${p.film === 'bias' && filmByPlace}
      h += film[row * shape.film_row + shape.film_offset + c];
      #elif ${p.film === 'scale-bias'}
      h = h * film_scale + film_bias;
      #elif ${p.film === 'bias'}
      h += film_bias;
      #endif
      #if ${p.residual}
      h += residual[shape.other_offset + row * shape.other_row + c];
      #endif
      y[shape.y_offset + row * shape.y_row + c] = h;
    }
  }
}
`;
  return { label: `norm_forward ${normParts(p)}${p.residual ? ', residual' : ''}`, code, bindings };
}

/** For labels. */
export function normParts(p: TrainedNormParameters): string {
  return `${p.members}${p.film === 'none' ? '' : `, film ${p.film}${p.filmByPlace ? ' by place' : ''}`}${p.probed ? ', probed' : ''}`;
}
