import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { lineIndex } from '../lib/line.wgsl.js';
import { ownerText } from '../lib/owners.wgsl.js';
import { f32, wgsl } from '../lib/wgsl.js';

/** `groups`: of four channels. A slice is the places of a picture that are added up together, the last one of a picture may be shorter. */
export const BATCH_NORM_SIZES = ['batch', 'places', 'groups', 'slices', 'slice'] as const;

/** What a step decides: words of the uniform `mode`, in this order. */
export const BATCH_NORM_MODE = [
  /** Pictures of a camera; those of several lie one behind the other. */
  'windows',
  /** Of them, those that count: the first ones. */
  'counted',
  /** 1: statistics of the batch, 0: the running ones. */
  'learns',
] as const;

export interface BatchNormParameters {
  /** Something is added before ReLU. */
  readonly residual: boolean;
  readonly relu: boolean;
}

const MODE: KernelBinding = { name: 'mode', access: 'uniform', type: 'Mode' };
const MODE_STRUCT = `struct Mode {\n${BATCH_NORM_MODE.map((name) => `  ${name}: u32,`).join('\n')}\n}`;
const vectors = (name: string, access: 'read' | 'read_write' = 'read'): KernelBinding => ({ name, access, type: 'array<vec4f>' });

/** Names of what parameters choose. */
function parts({ residual, relu }: BatchNormParameters): string {
  return `${residual ? ', residual' : ''}${relu ? ', relu' : ''}`;
}

function head(bindings: readonly KernelBinding[]): string {
  return wgsl`
${declareShape(BATCH_NORM_SIZES)}
${bindings.includes(MODE) ? MODE_STRUCT : ''}
${declareBindings(bindings)}`;
}

/** Opens `main`: an invocation, `e`, for each group of channels of so many places or slices. */
function elementsOf(invocations: number, rows: string): string {
  return wgsl`@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let e = ${lineIndex(invocations)};
  if (e >= ${rows} * shape.groups) {
    return;
  }`;
}

/** An invocation for each group of each slice, pictures that do not count left to `without`. */
function slicesOf(invocations: number, without: string): string {
  return wgsl`
${elementsOf(invocations, 'shape.batch * shape.slices')}
  let group = e % shape.groups;
  let slice = e / shape.groups;
  let picture = slice / shape.slices;
  let start = slice % shape.slices * shape.slice;
  let end = min(start + shape.slice, shape.places);
  let first = picture * shape.places * shape.groups + group;
  let to = slice * 2u * shape.groups + group;
  let counts = picture % mode.windows < mode.counted;
${without}`;
}

/**
 * Mean and squares of every slice of every picture, by channel, in two passes over what the caches hold:
 *
 *     moments[s] = ( m = Σ x / n,  Σ (x − m)² )      over the n places of slice s
 *
 * Bindings: shape · mode · x vec4f [b][places][groups] · moments vec4f [b · slices][m | squares][groups]. An invocation owns a group of a slice.
 */
export function batchNormMomentsKernel(invocations: number): Kernel {
  const bindings = [SHAPE_BINDING, MODE, vectors('x'), vectors('moments', 'read_write')];
  const code = wgsl`${head(bindings)}
${slicesOf(invocations, '  if (!counts || mode.learns == 0u) {\n    return;\n  }')}
  // From the first value on: a mean of many deviations would round away what the sum is of.
  let near = x[first + start * shape.groups];
  var sum = vec4f();
  for (var place = start; place < end; place++) {
    sum += x[first + place * shape.groups] - near;
  }
  let mean = near + sum / f32(end - start);
  var squares = vec4f();
  for (var place = start; place < end; place++) {
    let d = x[first + place * shape.groups] - mean;
    squares += d * d;
  }
  moments[to] = mean;
  moments[to + shape.groups] = squares;
}
`;
  return { label: 'batch_norm_moments', code, bindings };
}

/** Goes through the slices that count, in turns of the members; `n` places in each. */
function forSlices(body: string): string {
  return wgsl`  for (var slice = member; slice < shape.batch * shape.slices; slice += MEMBERS) {
    if (slice / shape.slices % mode.windows >= mode.counted) {
      continue;
    }
    let at = slice * 2u * shape.groups + owner;
    let n = f32(min(shape.slice, shape.places - slice % shape.slices * shape.slice));
${body}
  }`;
}

/** Opens `main`: an owner for each group of channels, whose members add up by `reduced`. */
function ownersOf(members: number): string {
  const owner = ownerText(members);
  return wgsl`const MEMBERS: u32 = ${members}u;
${owner.functions}
fn reduced(v: vec4f, local: u32) -> vec4f {
  return vec4f(reduce_sum(v.x, local), reduce_sum(v.y, local), reduce_sum(v.z, local), reduce_sum(v.w, local));
}

@compute @workgroup_size(${owner.workgroupSize})
fn main(${owner.parameters}) {
${owner.prepare('shape.groups')}`;
}

/**
 * Statistics that a batch norm normalises by, of N values of a channel over all pictures that count:
 *
 *     learns:   μ = Σ n m / N      var = Σ ( squares + n (m − μ)² ) / N      r = 1 / √(var + ε)
 *               running mean += 0.1 (μ − running mean)      running var += 0.1 (var N / (N − 1) − running var)
 *     else:     μ, var are the running ones, which stay
 *
 * as torch.nn.BatchNorm2d. Bindings: shape · mode · moments (batch_norm_moments) · running vec4f [mean | var][groups] · statistics vec4f
 * [μ | r][groups]. A part is a group of channels (owners.wgsl.ts); its members take slices in turns.
 */
export function batchNormStatisticsKernel(members: number, epsilon: number, momentum: number): Kernel {
  const bindings = [SHAPE_BINDING, MODE, vectors('moments'), vectors('running', 'read_write'), vectors('statistics', 'read_write')];
  const code = wgsl`${head(bindings)}

${ownersOf(members)}
  let values = f32(shape.batch / mode.windows * mode.counted * shape.places);
  // Picture 0 always counts.
  let near = moments[owner];
  var sum = vec4f();
${forSlices('    sum += n * (moments[at] - near);')}
  let mean = near + reduced(sum, local) / values;
  var squares = vec4f();
${forSlices('    let d = moments[at] - mean;\n    squares += moments[at + shape.groups] + n * (d * d);')}
  let all = reduced(squares, local);
  if (member != 0u) {
    return;
  }
  var center = running[owner];
  var variance = running[shape.groups + owner];
  if (mode.learns == 1u) {
    running[owner] = center + ${f32(momentum)} * (mean - center);
    running[shape.groups + owner] = variance + ${f32(momentum)} * (all / (values - 1.0f) - variance);
    center = mean;
    variance = all / values;
  }
  statistics[owner] = center;
  statistics[shape.groups + owner] = 1.0f / sqrt(variance + ${f32(epsilon)});
}
`;
  return { label: `batch_norm_statistics ${members}`, code, bindings };
}

/**
 * y[b, p, c] = relu( (x[b, p, c] − μ[c]) r[c] · gamma[c] + beta[c] + residual[b, p, c] ). Bindings: shape · x vec4f [b][places][groups] · affine
 * vec4f [gamma | beta][groups] · statistics vec4f [μ | r][groups] · residual, where there is one, and y like x. An invocation owns four channels
 * of a place; pictures that do not count are normalised as the others are.
 */
export function batchNormApplyKernel(p: BatchNormParameters, invocations: number): Kernel {
  const bindings = [
    SHAPE_BINDING,
    vectors('x'),
    vectors('affine'),
    vectors('statistics'),
    ...(p.residual ? [vectors('residual')] : []),
    vectors('y', 'read_write'),
  ];
  const code = wgsl`
${declareShape(BATCH_NORM_SIZES)}
${declareBindings(bindings)}

${elementsOf(invocations, 'shape.batch * shape.places')}
  let group = e % shape.groups;
  var value = (x[e] - statistics[group]) * statistics[shape.groups + group] * affine[group] + affine[shape.groups + group];
  #if ${p.residual}
  value += residual[e];
  #endif
  #if ${p.relu}
  // Not max: NaN must stay.
  value = select(value, vec4f(), value < vec4f());
  #endif
  y[e] = value;
}
`;
  return { label: `batch_norm_apply${parts(p)}`, code, bindings };
}

/**
 * What the backward pass of a batch norm adds up, by slice and channel:
 *
 *     dz = dy · [y > 0]      sums[s] = ( Σ dz x̂,  Σ dz )
 *
 * dz is the gradient of the residual, and left for it; of pictures that do not count it is 0. Bindings: shape · mode · x · statistics · dy · y where
 * there is a ReLU · dz where there is a residual · sums vec4f [b · slices][x̂ | 1][groups]. An invocation owns a group of a slice.
 */
export function batchNormSumsKernel(p: BatchNormParameters, invocations: number): Kernel {
  const bindings = [
    SHAPE_BINDING,
    MODE,
    vectors('x'),
    vectors('statistics'),
    vectors('dy'),
    ...(p.relu ? [vectors('y')] : []),
    ...(p.residual ? [vectors('dz', 'read_write')] : []),
    vectors('sums', 'read_write'),
  ];
  const code = wgsl`${head(bindings)}
${slicesOf(invocations, '')}
  let mean = statistics[group];
  let r = statistics[shape.groups + group];
  var sum_zx = vec4f();
  var sum_z = vec4f();
  for (var place = start; place < end; place++) {
    let at = first + place * shape.groups;
    let gradient = select(vec4f(), dy[at], ${p.relu ? 'vec4<bool>(counts) & (y[at] > vec4f())' : 'vec4<bool>(counts)'});
    #if ${p.residual}
    dz[at] = gradient;
    #endif
    sum_z += gradient;
    // A picture that does not count may hold anything.
    sum_zx += select(vec4f(), gradient * (x[at] - mean) * r, vec4<bool>(counts));
  }
  sums[to] = sum_zx;
  sums[to + shape.groups] = sum_z;
}
`;
  return { label: `batch_norm_sums${parts(p)}`, code, bindings };
}

/**
 * Their totals over all slices: the gradients of scale and shift. Bindings: shape · sums (batch_norm_sums) · totals vec4f [dγ | dβ][groups]. A
 * part is a group of channels (owners.wgsl.ts); its members take slices in turns.
 */
export function batchNormTotalsKernel(members: number): Kernel {
  const bindings = [SHAPE_BINDING, vectors('sums'), vectors('totals', 'read_write')];
  const code = wgsl`${head(bindings)}

${ownersOf(members)}
  var scale = vec4f();
  var shift = vec4f();
  for (var slice = member; slice < shape.batch * shape.slices; slice += MEMBERS) {
    let at = slice * 2u * shape.groups + owner;
    scale += sums[at];
    shift += sums[at + shape.groups];
  }
  let total_scale = reduced(scale, local);
  let total_shift = reduced(shift, local);
  if (member == 0u) {
    totals[owner] = total_scale;
    totals[shape.groups + owner] = total_shift;
  }
}
`;
  return { label: `batch_norm_totals ${members}`, code, bindings };
}

/**
 * The gradient of what went in:
 *
 *     dx = r γ ( dz − learns · ( dβ + x̂ dγ ) / N )      0 in pictures that do not count
 *
 * Where the running statistics were read, they are constants, and dx = r γ dz. Bindings: shape · mode · x · affine · statistics · totals vec4f
 * [dγ | dβ][groups] · dy, and y where there is a ReLU · dx. An invocation owns four channels of a place.
 */
export function batchNormBackwardKernel(p: Pick<BatchNormParameters, 'relu'>, invocations: number): Kernel {
  const bindings = [
    SHAPE_BINDING,
    MODE,
    vectors('x'),
    vectors('affine'),
    vectors('statistics'),
    vectors('totals'),
    vectors('dy'),
    ...(p.relu ? [vectors('y')] : []),
    vectors('dx', 'read_write'),
  ];
  const code = wgsl`${head(bindings)}

${elementsOf(invocations, 'shape.batch * shape.places')}
  if (e / shape.groups / shape.places % mode.windows >= mode.counted) {
    dx[e] = vec4f();
    return;
  }
  let group = e % shape.groups;
  let r = statistics[shape.groups + group];
  var value = ${p.relu ? 'select(vec4f(), dy[e], y[e] > vec4f())' : 'dy[e]'};
  if (mode.learns == 1u) {
    let values = f32(shape.batch / mode.windows * mode.counted * shape.places);
    value -= (totals[shape.groups + group] + (x[e] - statistics[group]) * r * totals[group]) / values;
  }
  dx[e] = r * affine[group] * value;
}
`;
  return { label: `batch_norm_backward${p.relu ? ', relu' : ''}`, code, bindings };
}
