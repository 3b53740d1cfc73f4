import { activate, activationFunctions, type Activation } from './activations.wgsl.js';
import {
  at, declareBindings, declareShape, SHAPE_BINDING, shapeWords, type ActivationLayout, type Kernel, type KernelBinding,
} from './kernel.js';
import { tapMap, type ConvGeometry } from './taps.js';
import { unroll, wgsl } from './wgsl.js';

/** How weights are stored; products and sums are f32 in both. */
export type WeightStorage = 'f32' | 'f16';

/** How the work is cut: constants of one variant, chosen by `ops/conv1d.ts`. */
export interface Conv1dTiling {
  /** Output columns per workgroup, kept in registers. */
  readonly columns: number;
  /** Groups of four output channels per workgroup. */
  readonly lanes: number;
  /** Invocations that share one reduction over input channels. */
  readonly slices: number;
}

/** What the text of the kernel depends on; sizes come with `conv1dShape`. */
export interface Conv1dParameters {
  readonly geometry: ConvGeometry;
  readonly tiling: Conv1dTiling;
  readonly storage: WeightStorage;
  readonly bias: boolean;
  readonly residual: boolean;
  readonly inActivation: Activation;
  readonly outActivation: Activation;
}

export interface Conv1dSizes {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly x: ActivationLayout;
  readonly y: ActivationLayout;
  readonly residual?: ActivationLayout | undefined;
}

/** The kernel's `shape`. */
export function conv1dShape(sizes: Conv1dSizes): number[] {
  const { inChannels, outChannels, x, y, residual } = sizes;
  return shapeWords([inChannels, outChannels, Math.ceil(outChannels / 4)], [x, y, ...(residual ? [residual] : [])]);
}

/**
 * Convolution along time, its transpose, and with kernel size 1 every linear layer:
 *
 *     y[b, o, t] = act( bias[o] + Σ_i Σ_κ w[i, κ, o] · act_in(x[b, i, q(t, κ)]) ) + residual[b, o, t]
 *
 * q(t, κ) is the geometry's input column (taps.ts); columns outside the input count as 0.
 *
 * Bindings: shape · x, y, residual f32 by layout · weight [inChannels][kernelSize][outChannels/4] of four output channels
 * each (vec4 of f32, or two words of two f16), channels padded to a multiple of 4 with zeros · bias [outChannels/4] vec4.
 *
 * A workgroup owns `lanes` groups of four output channels and `columns` columns of one sample; an invocation owns one of
 * these groups, all columns, and every `slices`-th input channel: it reads each of its weights once and uses it for all
 * columns. Slices are then added in ascending order, `CHUNK` columns at a time, so that sums are the same in every run
 * and for every batch size.
 */
export function conv1dKernel(p: Conv1dParameters): Kernel {
  const { columns, lanes, slices } = p.tiling;
  const { kernelSize, inLength, outLength } = p.geometry;
  const invocations = lanes * slices;
  const map = tapMap(p.geometry, columns);
  const single = columns >= outLength;
  // With one tile every input column is known here: those outside the input need neither a load nor a product.
  const inside = (window: number): boolean => {
    const q = map.windowStart(0) + window;
    return !single || (q >= 0 && q < inLength);
  };
  const taps = map.taps.filter((tap) => inside(tap.window) && tap.column < outLength);
  const chunk = Math.max(1, Math.min(slices, columns, Math.floor(REDUCTION_VEC4S / invocations)));
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<f32>' },
    { name: 'weight', access: 'read', type: p.storage === 'f16' ? 'array<vec2u>' : 'array<vec4f>' },
    ...(p.bias ? [{ name: 'bias', access: 'read', type: 'array<vec4f>' } as const] : []),
    ...(p.residual ? [{ name: 'residual', access: 'read', type: 'array<f32>' } as const] : []),
    { name: 'y', access: 'read_write', type: 'array<f32>' },
  ];

  const loadWindow = unroll(map.windowLength, (w) => {
    if (!inside(w) || !taps.some((tap) => tap.window === w)) return '';
    const value = (q: string): string => activate(p.inActivation, `x[row + ${q} * shape.x_time]`);
    if (single) return `    let x${w} = ${value(`${map.windowStart(0) + w}u`)};`;
    const q = `start + ${w}`;
    // The index is clamped as well: with robustness off, a load that is thrown away must still be in bounds. One unsigned
    // comparison sees both ends; `&&` would be a branch per column, which software drivers take minutes to compile.
    return `    let x${w} = select(0.0f, ${value(`u32(clamp(${q}, 0, ${inLength - 1}))`)}, u32(${q}) < ${inLength}u);`;
  });
  const products = unroll(kernelSize, (tap) => {
    const uses = taps.filter((candidate) => candidate.tap === tap);
    if (uses.length === 0) return '';
    const lines = uses.map(({ column, window }) => `      acc${column} += w * x${window};`);
    return `    {\n      let w = load_weight(base + ${tap}u * shape.row_groups);\n${lines.join('\n')}\n    }`;
  });

  const code = wgsl`
${declareShape(['in_channels', 'out_channels', 'row_groups'], ['x', 'y', ...(p.residual ? ['residual'] : [])])}
${declareBindings(bindings)}

const OUT_LENGTH: u32 = ${outLength}u;
const KERNEL_SIZE: u32 = ${kernelSize}u;
const COLUMNS: u32 = ${columns}u;
const LANES: u32 = ${lanes}u;
const SLICES: u32 = ${slices}u;
const INVOCATIONS: u32 = ${invocations}u;
const CHUNK: u32 = ${chunk}u;

${activationFunctions(p.inActivation, p.outActivation)}

fn load_weight(index: u32) -> vec4f {
  #if ${p.storage === 'f16'}
  let bits = weight[index];
  return vec4f(unpack2x16float(bits.x), unpack2x16float(bits.y));
  #else
  return weight[index];
  #endif
}

fn finish(row_group: u32, column: u32, batch: u32, products: vec4f) {
  if (row_group >= shape.row_groups) {
    return;
  }
  #if ${p.bias}
  let sums = products + bias[row_group];
  #else
  let sums = products;
  #endif
  let first = row_group * 4u;
  for (var r = 0u; r < min(4u, shape.out_channels - first); r++) {
    let channel = first + r;
    var value = ${activate(p.outActivation, 'sums[r]')};
    #if ${p.residual}
    value += residual[${at('residual', 'batch', 'channel', 'column')}];
    #endif
    y[${at('y', 'batch', 'channel', 'column')}] = value;
  }
}

#if ${slices > 1}
var<workgroup> partial: array<vec4f, ${chunk * invocations}>;
#endif

@compute @workgroup_size(${invocations})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let lane = local % LANES;
  let slice = local / LANES;
  let row_group = workgroup.x * LANES + lane;
  // Lanes past the last channel compute on its weights and store nothing.
  let weight_column = min(row_group, shape.row_groups - 1u);
  let first = workgroup.y * COLUMNS;
  let batch = workgroup.z;
  #if ${!single}
  let start = ${map.windowStartText};
  #endif
${unroll(columns, (column) => `  var acc${column} = vec4f();`)}

  for (var i = slice; i < shape.in_channels; i += SLICES) {
    let row = ${at('x', 'batch', 'i', '0u')};
    let base = i * KERNEL_SIZE * shape.row_groups + weight_column;
${loadWindow}
${products}
  }

  // Named accumulators keep the loop above in registers, the array lets the code below be a loop. Its bound is not a
  // constant on purpose: unrolled, these stores take a driver longer to compile than all the rest.
  var sums = array<vec4f, COLUMNS>(${Array.from({ length: columns }, (_, column) => `acc${column}`).join(', ')});
  let end = min(COLUMNS, OUT_LENGTH - first);
#if ${slices > 1}
  for (var chunk = 0u; chunk < end; chunk += CHUNK) {
    workgroupBarrier();
    for (var k = 0u; k < min(CHUNK, end - chunk); k++) {
      partial[k * INVOCATIONS + local] = sums[chunk + k];
    }
    workgroupBarrier();
    if (slice < min(CHUNK, end - chunk)) {
      var sum = partial[slice * INVOCATIONS + lane];
      for (var s = 1u; s < SLICES; s++) {
        sum += partial[slice * INVOCATIONS + s * LANES + lane];
      }
      finish(row_group, first + chunk + slice, batch, sum);
    }
  }
#else
  for (var column = 0u; column < end; column++) {
    finish(row_group, first + column, batch, sums[column]);
  }
#endif
}
`;
  const name = p.geometry.transposed ? 'conv_transpose1d' : kernelSize === 1 ? 'linear' : 'conv1d';
  return {
    label: `${name} k${kernelSize} s${p.geometry.stride} ${inLength} -> ${outLength} ${columns}c ${lanes}x${slices} ${p.storage}`,
    code,
    bindings,
  };
}

/** vec4s of workgroup memory for adding up slices: 16 KiB, the amount every WebGPU device grants. */
const REDUCTION_VEC4S = 1024;
