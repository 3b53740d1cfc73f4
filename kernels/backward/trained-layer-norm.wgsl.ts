import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { LINE_PARAMETERS, LINE_WORKGROUP } from '../lib/line.wgsl.js';
import { sumRows, twoLevelSum } from '../lib/reduce.wgsl.js';
import { f32, wgsl } from '../lib/wgsl.js';

const ROW: KernelBinding = { name: 'x', access: 'read', type: 'array<f32>' };
/** Scale, then shift, each padded to a multiple of four. */
const AFFINE: KernelBinding = { name: 'affine', access: 'read', type: 'array<f32>' };
const STATISTICS = { name: 'statistics', type: 'array<vec2f>' } as const;

/** Opens `main`: workgroups lie in as many rows as there must be, and one without a row of x returns. */
const MAIN_OF_ROW = wgsl`fn main(${LINE_PARAMETERS}) {
  let row = ${LINE_WORKGROUP};
  if (row >= shape.rows) {
    return;
  }`;

/** Memory and function of `sum_over_workgroup`. */
function sums(invocations: number): string {
  return `var<workgroup> scratch: array<f32, ${invocations}>;
var<workgroup> scratch_rows: array<f32, ${sumRows(invocations)}>;

${twoLevelSum(invocations, `${invocations}u`)}`;
}

/**
 * Layer norm of rows, as layer-norm.wgsl.ts, that keeps what its gradient needs:
 *
 *     y[r, c] = (x[r, c] − μ_r) · ρ_r · gamma[c] + beta[c],   ρ_r = 1 / √(var_r + ε)
 *
 * In two passes. Bindings: shape (channels, width, rows) · x f32 [rows][channels] · affine f32 [2][width], gamma then beta · statistics
 * vec2f [rows], μ and ρ · y. A workgroup owns a row.
 */
export function layerNormKeptKernel(invocations: number, epsilon: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    ROW,
    AFFINE,
    { ...STATISTICS, access: 'read_write' },
    { name: 'y', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(['channels', 'width', 'rows'])}
${declareBindings(bindings)}

const INVOCATIONS: u32 = ${invocations}u;
${sums(invocations)}

@compute @workgroup_size(${invocations})
${MAIN_OF_ROW}
  let first = row * shape.channels;
  var sum = 0.0f;
  for (var c = local; c < shape.channels; c += INVOCATIONS) {
    sum += x[first + c];
  }
  let mean = sum_over_workgroup(sum, local) / f32(shape.channels);
  var squares = 0.0f;
  for (var c = local; c < shape.channels; c += INVOCATIONS) {
    let d = x[first + c] - mean;
    squares += d * d;
  }
  let rho = 1.0f / sqrt(sum_over_workgroup(squares, local) / f32(shape.channels) + ${f32(epsilon)});
  if (local == 0u) {
    statistics[row] = vec2f(mean, rho);
  }
  for (var c = local; c < shape.channels; c += INVOCATIONS) {
    y[first + c] = (x[first + c] - mean) * rho * affine[c] + affine[shape.width + c];
  }
}
`;
  return { label: 'layer_norm_kept', code, bindings };
}

/**
 * The gradient of layer norm with respect to its input, and what else reaches that input (`added`, behind a residual connection):
 *
 *     x̂ = (x − μ) ρ,  q = gamma · dy        dx[r, c] = ρ_r (q − ⟨q⟩ − x̂ ⟨q x̂⟩) + added[r, c]
 *
 * ⟨·⟩ is the mean over a row. Bindings: shape (channels, width, rows) · x f32 [rows][channels] · affine f32 [2][width] · statistics vec2f
 * [rows] · dy · added where there is one · dx. A workgroup owns a row.
 */
export function layerNormGradientKernel(invocations: number, added: boolean): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    ROW,
    AFFINE,
    { ...STATISTICS, access: 'read' },
    { name: 'dy', access: 'read', type: 'array<f32>' },
    ...(added ? [{ name: 'added', access: 'read', type: 'array<f32>' } as const] : []),
    { name: 'dx', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(['channels', 'width', 'rows'])}
${declareBindings(bindings)}

const INVOCATIONS: u32 = ${invocations}u;
${sums(invocations)}

@compute @workgroup_size(${invocations})
${MAIN_OF_ROW}
  let first = row * shape.channels;
  let moments = statistics[row];
  var sum = 0.0f;
  var projected = 0.0f;
  for (var c = local; c < shape.channels; c += INVOCATIONS) {
    let q = affine[c] * dy[first + c];
    sum += q;
    projected += q * (x[first + c] - moments.x) * moments.y;
  }
  let mean = sum_over_workgroup(sum, local) / f32(shape.channels);
  let along = sum_over_workgroup(projected, local) / f32(shape.channels);
  for (var c = local; c < shape.channels; c += INVOCATIONS) {
    let q = affine[c] * dy[first + c];
    let normalized = (x[first + c] - moments.x) * moments.y;
    let value = moments.y * (q - mean - normalized * along);
    dx[first + c] = value${added ? ' + added[first + c]' : ''};
  }
}
`;
  return { label: `layer_norm_gradient${added ? ', added' : ''}`, code, bindings };
}

/**
 * Partial sums of the gradients of a layer norm's scale and shift:
 *
 *     partial[k, 0, c] = Σ_r dy[r, c] · x̂[r, c]        partial[k, 1, c] = Σ_r dy[r, c]        over the rows of block k
 *
 * Bindings: shape (channels, width, rows, block_rows) · x f32 [rows][channels] · statistics vec2f [rows] · dy · partial f32
 * [blocks][2][width]. An invocation owns a channel of a block.
 */
export function layerNormParametersKernel(invocations: number): Kernel {
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    ROW,
    { ...STATISTICS, access: 'read' },
    { name: 'dy', access: 'read', type: 'array<f32>' },
    { name: 'partial', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareShape(['channels', 'width', 'rows', 'block_rows'])}
${declareBindings(bindings)}

@compute @workgroup_size(${invocations})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= shape.channels) {
    return;
  }
  let begin = id.y * shape.block_rows;
  var scale = 0.0f;
  var shift = 0.0f;
  for (var row = begin; row < min(begin + shape.block_rows, shape.rows); row++) {
    let moments = statistics[row];
    let gradient = dy[row * shape.channels + id.x];
    scale += gradient * ((x[row * shape.channels + id.x] - moments.x) * moments.y);
    shift += gradient;
  }
  let at = id.y * 2u * shape.width + id.x;
  partial[at] = scale;
  partial[at + shape.width] = shift;
}
`;
  return { label: 'layer_norm_parameters', code, bindings };
}
