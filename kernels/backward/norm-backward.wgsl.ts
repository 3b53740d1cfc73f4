import { activationFunctions } from '../lib/activations.wgsl.js';
import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { mishGradient } from '../lib/mish-gradient.wgsl.js';
import { ownerText } from '../lib/owners.wgsl.js';
import { wgsl } from '../lib/wgsl.js';
import { NORM_SIZES, normParts, type TrainedNormParameters } from './norm-forward.wgsl.js';

/**
 * The backward pass of group norm, Mish and FiLM over rows (norm-forward.wgsl.ts); dy is ∂L/∂y, which is the gradient of the
 * residual as it is:
 *
 *     z = x̂ γ + β    h = mish(z)     df_scale = Σ_t dy h    df_bias = Σ_t dy    dh = f_scale dy
 *     dz = dh mish'(z)    dγ = Σ_t dz x̂    dβ = Σ_t dz    q = γ dz
 *     dx = r ( q − ⟨q⟩ − x̂ ⟨q x̂⟩ )     ⟨·⟩ the mean over the elements of the group
 *
 * With `filmByPlace` every place has its row f and its gradient df: the sums over t are left out.
 * dγ and dβ are left per sample, and so is Σ_t dx, which is the bias gradient of the convolution that made x: row sums add
 * the samples up. Computed again: x̂, z, h. q waits in dx for the sums of its group.
 *
 * Bindings: shape · x f32 rows · affine f32 [γ | β | …][channels] · statistics vec2f [b][groups] · dy f32 rows ·
 * film, dfilm f32 [b][row], or [b·length + t][row] · dx f32 rows · sums f32 [b][dγ | dβ | Σ dx][channels] · probe: dh, f32 [b][length][channels].
 * A part is a group of a sample (owners.wgsl.ts); a member owns every `members`-th channel.
 */
export function normBackwardKernel(p: TrainedNormParameters): Kernel {
  const owner = ownerText(p.members);
  const byPlace = (p.filmByPlace ?? false) && p.film !== 'none';
  const modulated = p.film !== 'none' && !byPlace;
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<f32>' },
    { name: 'affine', access: 'read', type: 'array<f32>' },
    { name: 'statistics', access: 'read', type: 'array<vec2f>' },
    { name: 'dy', access: 'read', type: 'array<f32>' },
    ...(p.film === 'scale-bias' ? [{ name: 'film', access: 'read', type: 'array<f32>' } as const] : []),
    ...(p.film !== 'none' ? [{ name: 'dfilm', access: 'read_write', type: 'array<f32>' } as const] : []),
    { name: 'dx', access: 'read_write', type: 'array<f32>' },
    { name: 'sums', access: 'read_write', type: 'array<f32>' },
    ...(p.probed ? [{ name: 'probe', access: 'read_write', type: 'array<f32>' } as const] : []),
  ];
  const code = wgsl`
${declareShape(NORM_SIZES)}
${declareBindings(bindings)}

const MEMBERS: u32 = ${p.members}u;
${activationFunctions('mish')}
${mishGradient}
${owner.functions}

@compute @workgroup_size(${owner.workgroupSize})
fn main(${owner.parameters}) {
${owner.prepare('shape.batch * shape.groups')}
  let batch = owner / shape.groups;
  let first = owner % shape.groups * shape.group_channels;
  let end = first + shape.group_channels;
  let first_row = batch * shape.places;
  let elements = f32(shape.group_channels * shape.places);
  let mean = statistics[owner].x;
  let r = statistics[owner].y;

  var sum_q = 0.0f;
  var sum_qx = 0.0f;
  for (var c = first + member; c < end; c += MEMBERS) {
    let gamma = affine[c];
    let beta = affine[shape.channels + c];
    #if ${modulated}
    let film_at = batch * shape.film_row + shape.film_offset + c;
    #endif
    #if ${p.film === 'scale-bias' && modulated}
    let film_scale = film[film_at];
    #endif
    var sum_z = 0.0f;
    var sum_zx = 0.0f;
    var sum_y = 0.0f;
    var sum_yh = 0.0f;
    for (var t = 0u; t < shape.places; t++) {
      let row = first_row + t;
      let normalized = (x[shape.x_offset + row * shape.x_row + c] - mean) * r;
      let z = normalized * gamma + beta;
      let gradient = dy[shape.other_offset + row * shape.other_row + c];
      var dh = gradient;
      #if ${byPlace && p.film === 'scale-bias'}
      let film_at = row * shape.film_row + shape.film_offset + c;
      dh = gradient * film[film_at];
      dfilm[film_at] = gradient * mish(z);
      dfilm[film_at + shape.channels] = gradient;
      #elif ${byPlace}
      dfilm[row * shape.film_row + shape.film_offset + c] = gradient;
      #elif ${p.film === 'scale-bias'}
      dh = gradient * film_scale;
      sum_yh += gradient * mish(z);
      #endif
      #if ${modulated}
      sum_y += gradient;
      #endif
      #if ${p.probed}
      probe[row * shape.channels + c] = dh;
      #endif
      let dz = dh * mish_gradient(z);
      sum_z += dz;
      sum_zx += dz * normalized;
      dx[shape.y_offset + row * shape.y_row + c] = dz * gamma;
    }
    sum_q += gamma * sum_z;
    sum_qx += gamma * sum_zx;
    let at = batch * 3u * shape.channels + c;
    sums[at] = sum_zx;
    sums[at + shape.channels] = sum_z;
    #if ${p.film === 'scale-bias' && modulated}
    dfilm[film_at] = sum_yh;
    dfilm[film_at + shape.channels] = sum_y;
    #elif ${p.film === 'bias' && modulated}
    dfilm[film_at] = sum_y;
    #endif
  }
  let mean_q = reduce_sum(sum_q, local) / elements;
  let mean_qx = reduce_sum(sum_qx, local) / elements;

  for (var c = first + member; c < end; c += MEMBERS) {
    var sum = 0.0f;
    for (var t = 0u; t < shape.places; t++) {
      let row = first_row + t;
      let normalized = (x[shape.x_offset + row * shape.x_row + c] - mean) * r;
      let at = shape.y_offset + row * shape.y_row + c;
      let gradient = r * (dx[at] - mean_q - normalized * mean_qx);
      dx[at] = gradient;
      sum += gradient;
    }
    sums[(batch * 3u + 2u) * shape.channels + c] = sum;
  }
}
`;
  return { label: `norm_backward ${normParts(p)}`, code, bindings };
}
