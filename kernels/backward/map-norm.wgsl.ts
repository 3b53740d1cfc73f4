import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { ownerText } from '../lib/owners.wgsl.js';
import { f32, wgsl } from '../lib/wgsl.js';

export const MAP_NORM_SIZES = ['batch', 'places', 'channels', 'groups', 'group_channels'] as const;

export interface MapNormParameters {
  readonly members: number;
  /** Something is added before ReLU. */
  readonly residual: boolean;
  readonly relu: boolean;
}

const X: KernelBinding = { name: 'x', access: 'read', type: 'array<f32>' };
const AFFINE: KernelBinding = { name: 'affine', access: 'read', type: 'array<f32>' };

/** Names of both kernels. */
function parts({ residual, relu }: MapNormParameters): string {
  return `${residual ? ', residual' : ''}${relu ? ', relu' : ''}`;
}

/**
 * Group norm of maps, residual and ReLU, with what their gradient needs:
 *
 *     y[b, p, c] = relu( (x[b, p, c] − μ) r · gamma[c] + beta[c] + residual[b, p, c] )
 *
 * μ and r = 1 / √(var + ε) over the channels of a group and all places of a sample, in two passes. Bindings: shape · x f32
 * [b][places][channels] · affine f32 [gamma | beta][channels] · residual, where there is one, and y like x · statistics vec2f
 * [b][groups]. A part is a group of a sample (owners.wgsl.ts); its members take places in turns.
 */
export function mapNormForwardKernel(p: MapNormParameters, epsilon: number): Kernel {
  const owner = ownerText(p.members);
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    X,
    AFFINE,
    ...(p.residual ? [{ name: 'residual', access: 'read', type: 'array<f32>' } as const] : []),
    { name: 'y', access: 'read_write', type: 'array<f32>' },
    { name: 'statistics', access: 'read_write', type: 'array<vec2f>' },
  ];
  const code = wgsl`
${declareShape(MAP_NORM_SIZES)}
${declareBindings(bindings)}

const MEMBERS: u32 = ${p.members}u;
${owner.functions}

@compute @workgroup_size(${owner.workgroupSize})
fn main(${owner.parameters}) {
${owner.prepare('shape.batch * shape.groups')}
  let channel = owner % shape.groups * shape.group_channels;
  let first = owner / shape.groups * shape.places * shape.channels + channel;
  let elements = f32(shape.group_channels * shape.places);
  var sum = 0.0f;
  for (var place = member; place < shape.places; place += MEMBERS) {
    var row = 0.0f;
    for (var c = 0u; c < shape.group_channels; c++) {
      row += x[first + place * shape.channels + c];
    }
    sum += row;
  }
  let mean = reduce_sum(sum, local) / elements;
  var squares = 0.0f;
  for (var place = member; place < shape.places; place += MEMBERS) {
    var row = 0.0f;
    for (var c = 0u; c < shape.group_channels; c++) {
      let d = x[first + place * shape.channels + c] - mean;
      row += d * d;
    }
    squares += row;
  }
  let r = 1.0f / sqrt(reduce_sum(squares, local) / elements + ${f32(epsilon)});
  if (member == 0u) {
    statistics[owner] = vec2f(mean, r);
  }
  for (var place = member; place < shape.places; place += MEMBERS) {
    for (var c = 0u; c < shape.group_channels; c++) {
      let at = first + place * shape.channels + c;
      var value = (x[at] - mean) * r * affine[channel + c] + affine[shape.channels + channel + c];
      #if ${p.residual}
      value += residual[at];
      #endif
      #if ${p.relu}
      // Not max: NaN must stay.
      value = select(value, 0.0f, value < 0.0f);
      #endif
      y[at] = value;
    }
  }
}
`;
  return { label: `map_norm_forward${parts(p)}`, code, bindings };
}

/**
 * Its backward pass, from the gradient dy of y:
 *
 *     dz = dy · [y > 0]     dγ = Σ dz x̂     dβ = Σ dz     q = γ dz     dx = r ( q − ⟨q⟩ − x̂ ⟨q x̂⟩ )
 *
 * ⟨·⟩ the mean over a group of a sample. dz is the gradient of the residual, and left for it. dγ and dβ are left per sample: row sums add
 * them up. Bindings: shape · x · affine · statistics · dy · y where there is a ReLU · dz where there is a residual · dx · sums f32
 * [b][dγ | dβ][channels]. A part is a group of a sample; a member owns every \`members\`-th channel.
 */
export function mapNormBackwardKernel(p: MapNormParameters): Kernel {
  const owner = ownerText(p.members);
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    X,
    AFFINE,
    { name: 'statistics', access: 'read', type: 'array<vec2f>' },
    { name: 'dy', access: 'read', type: 'array<f32>' },
    ...(p.relu ? [{ name: 'y', access: 'read', type: 'array<f32>' } as const] : []),
    ...(p.residual ? [{ name: 'dz', access: 'read_write', type: 'array<f32>' } as const] : []),
    { name: 'dx', access: 'read_write', type: 'array<f32>' },
    { name: 'sums', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(MAP_NORM_SIZES)}
${declareBindings(bindings)}

const MEMBERS: u32 = ${p.members}u;
${owner.functions}

@compute @workgroup_size(${owner.workgroupSize})
fn main(${owner.parameters}) {
${owner.prepare('shape.batch * shape.groups')}
  let sample = owner / shape.groups;
  let channel = owner % shape.groups * shape.group_channels;
  let first = sample * shape.places * shape.channels + channel;
  let elements = f32(shape.group_channels * shape.places);
  let mean = statistics[owner].x;
  let r = statistics[owner].y;
  var sum_q = 0.0f;
  var sum_qx = 0.0f;
  for (var c = member; c < shape.group_channels; c += MEMBERS) {
    let gamma = affine[channel + c];
    var sum_z = 0.0f;
    var sum_zx = 0.0f;
    for (var place = 0u; place < shape.places; place++) {
      let at = first + place * shape.channels + c;
      let gradient = ${p.relu ? 'select(0.0f, dy[at], y[at] > 0.0f)' : 'dy[at]'};
      #if ${p.residual}
      dz[at] = gradient;
      #endif
      dx[at] = gamma * gradient;
      sum_z += gradient;
      sum_zx += gradient * (x[at] - mean) * r;
    }
    sum_q += gamma * sum_z;
    sum_qx += gamma * sum_zx;
    let to = sample * 2u * shape.channels + channel + c;
    sums[to] = sum_zx;
    sums[to + shape.channels] = sum_z;
  }
  let mean_q = reduce_sum(sum_q, local) / elements;
  let mean_qx = reduce_sum(sum_qx, local) / elements;
  for (var c = member; c < shape.group_channels; c += MEMBERS) {
    for (var place = 0u; place < shape.places; place++) {
      let at = first + place * shape.channels + c;
      dx[at] = r * (dx[at] - mean_q - (x[at] - mean) * r * mean_qx);
    }
  }
}
`;
  return { label: `map_norm_backward${parts(p)}`, code, bindings };
}
