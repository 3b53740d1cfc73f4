import { handedRound } from '../lib/handed-round.js';
import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { sumsMoveOn } from '../lib/sums-move-on.js';
import { type TrainedReads, trainedReads } from '../lib/trained-halves.wgsl.js';
import { unroll, wgsl } from '../lib/wgsl.js';

/** What the text of a product of rows depends on. */
export interface RowsProductParameters {
  /** Sums over inputs give outputs, or (`true`) sums over outputs give inputs: the gradient of what went in. */
  readonly backwards: boolean;
  readonly bias: boolean;
  /** Something is added to the sums. */
  readonly addend: boolean;
  /** Weights are read as halves, see trained-halves.wgsl.ts; f32 where left out. */
  readonly halves?: boolean;
}

export interface RowsProductCut {
  /** Rows of a workgroup, kept in the registers of each invocation: a multiple of `subgroup`. */
  readonly columns: number;
  /** Invocations of a subgroup, which load different rows and hand them round; 1: every invocation loads all rows. */
  readonly subgroup: number;
}

/** Groups of four channels, and invocations, of a workgroup. */
export const PRODUCT_LANES = 8;

export const ROWS_PRODUCT_SIZES = [
  'batch',
  'places',
  'source_length',
  'source_step',
  'target_length',
  'target_step',
  'taps',
  'tap_step',
  'padding',
  'scattered',
  'source_groups',
  'target_groups',
  'weight_row',
  'weight_tap',
  'bias_offset',
  'x_offset',
  'x_row',
  'y_offset',
  'y_row',
  'addend_offset',
  'addend_row',
] as const;

/** Where a row of the target takes its rows of the source from; the same text in every kernel that needs it. */
export const sourceOffset = wgsl`
// Source place of place u at this tap: u * source_step + source_offset(tap, phase).
fn source_offset(tap: u32, phase: u32) -> i32 {
  let gathered = i32(tap) - i32(shape.padding);
  let scattered = (i32(phase) + i32(shape.padding) - i32(tap)) / i32(shape.target_step);
  return select(gathered, scattered, shape.scattered == 1u);
}

fn first_tap(phase: u32) -> u32 {
  return select(0u, (phase + shape.padding) % shape.target_step, shape.scattered == 1u);
}`;

/** Of every kernel that computes products of rows, in order. */
export function productBindings({ bias, addend }: RowsProductParameters, weights: TrainedReads): KernelBinding[] {
  return [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    weights.binding,
    ...(bias ? [{ name: 'bias', access: 'read', type: 'array<vec4f>' } as const] : []),
    ...(addend ? [{ name: 'addend', access: 'read', type: 'array<vec4f>' } as const] : []),
    { name: 'y', access: 'read_write', type: 'array<vec4f>' },
  ];
}

/** Ends their `finish`: stores `sum` with what is added to it, as group `lane` of row `row`. */
export function storeProduct({ bias, addend }: RowsProductParameters): string {
  return wgsl`  var value = sum;
  #if ${bias}
  value += bias[shape.bias_offset + lane];
  #endif
  #if ${addend}
  value += addend[shape.addend_offset + row * shape.addend_row + lane];
  #endif
  y[shape.y_offset + row * shape.y_row + lane] = value;`;
}

/**
 * Convolutions, transposed convolutions and linear layers over rows, and the gradients of what goes into them:
 *
 *     y[b, t, o] = bias[o] + Σ_κ Σ_i w[κ, i, o] · x[b, q(t, κ), i] + addend[b, t, o]
 *     backwards:  y[b, t, i] = Σ_κ Σ_o w[κ, i, o] · x[b, q(t, κ), o] + addend[b, t, i]
 *
 * q(t, κ) = t·s + κ − p (gathered), or (t + p − κ) / s where that is a whole number (scattered); rows outside count as 0.
 * A convolution gathers and its gradient scatters, a transposed one the other way round. Where places are scattered over a
 * stride, workgroups of `phase` own the targets t = u·s + phase, so that all taps they take are whole numbers.
 *
 * Bindings: shape · x, y, addend vec4f rows [b·length + t][channels / 4], at an offset and a distance between rows of their own ·
 * weight vec4f [tap][in][out / 4], or the halves of four in a vec2u · bias vec4f [out / 4]. Channels are padded with zeros to multiples of four.
 *
 * A workgroup owns ${PRODUCT_LANES} groups of four channels of y and `columns` rows, an invocation one of the groups and all of the
 * rows. Sums are in an order of their own for each element, whatever the batch. For software drivers (see conv2d-lanes.wgsl.ts).
 */
export function rowsProductKernel(p: RowsProductParameters, { columns, subgroup }: RowsProductCut): Kernel {
  const shared = subgroup > 1;
  if (columns % subgroup !== 0) throw new TypeError(`rows_product: ${columns} rows are no whole subgroups of ${subgroup}`);
  const slots = columns / subgroup;
  const reads = trainedReads(p.halves === true);
  const bindings = productBindings(p, reads);
  const prepare = (slot: number): string => `  let n${slot} = min(first + ${slot * subgroup}u${shared ? ' + member' : ''}, end - 1u);
  let sample${slot} = n${slot} / shape.places * shape.source_length;
  let place${slot} = i32(n${slot} % shape.places * shape.source_step);`;
  // A row outside the source is read inside and multiplied by 0: one comparison a tap instead of a branch a load.
  const place = (slot: number): string => `    let q${slot} = place${slot} + offset;
    let inside${slot} = select(0.0f, 1.0f, u32(q${slot}) < shape.source_length);
    let from${slot} = shape.x_offset + (sample${slot} + select(0u, u32(q${slot}), inside${slot} > 0.0f)) * shape.x_row;`;
  const weights = p.backwards
    ? `${unroll(4, (row) => `      let r${row} = ${reads.at(`base + ${row}u * shape.weight_row + k`)};`)}
${unroll(4, (k) => `      let w${k} = vec4f(r0[${k}], r1[${k}], r2[${k}], r3[${k}]);`)}`
    : unroll(4, (row) => `      let w${row} = ${reads.at(`base + (k * 4u + ${row}u) * shape.weight_row`)};`);
  const code = wgsl`${shared ? 'enable subgroups;' : ''}
${declareShape(ROWS_PRODUCT_SIZES)}
${declareBindings(bindings)}

const COLUMNS: u32 = ${columns}u;
const LANES: u32 = ${PRODUCT_LANES}u;
${sourceOffset}${reads.functions}

fn finish(n: u32, lane: u32, phase: u32, sum: vec4f) {
  let t = n % shape.places * shape.target_step + phase;
  if (lane >= shape.target_groups || t >= shape.target_length) {
    return;
  }
  let row = n / shape.places * shape.target_length + t;
${storeProduct(p)}
}

@compute @workgroup_size(${PRODUCT_LANES})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
${shared ? '  @builtin(subgroup_invocation_id) member: u32,' : ''}
) {
  let phase = workgroup.z;
  let lane = workgroup.x * LANES + local;
  // Lanes past the last one read in bounds, and write nothing.
  let column = min(lane, shape.target_groups - 1u);
  let first = workgroup.y * COLUMNS;
  let end = shape.batch * shape.places;
${unroll(slots, prepare)}
${unroll(columns, (c) => `  var acc${c} = vec4f();`)}

  for (var tap = first_tap(phase); tap < shape.taps; tap += shape.tap_step) {
    let offset = source_offset(tap, phase);
    let base = tap * shape.weight_tap + column${p.backwards ? ' * 4u * shape.weight_row' : ''};
${unroll(slots, place)}
    for (var k = 0u; k < shape.source_groups; k++) {
${weights}
${unroll(slots, (slot) => `      let v${slot} = x[from${slot} + k] * inside${slot};`)}
${unroll(columns, (c) => unroll(4, (row) => `      acc${c} = fma(w${row}, vec4f(${handedRound(c, row, subgroup)}), acc${c});`))}
    }
  }

  // One store in a loop, and the sums move on: text for every row takes a software driver long to compile.
  let count = min(COLUMNS, end - first);
  for (var c = 0u; c < count; c++) {
    finish(first + c, lane, phase, acc0);
${sumsMoveOn(columns)}
  }
}
`;
  return { label: `rows_product ${productParts(p)} ${columns}${shared ? ` subgroup ${subgroup}` : ''}`, code, bindings };
}

/** For labels. */
export function productParts(p: RowsProductParameters): string {
  return [
    p.backwards ? 'backwards' : 'forwards',
    ...(p.bias ? ['bias'] : []),
    ...(p.addend ? ['addend'] : []),
    ...(p.halves ? ['f16'] : []),
  ].join(' ');
}
