import { handedRound } from '../lib/handed-round.js';
import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { sumsMoveOn } from '../lib/sums-move-on.js';
import { trainedReads } from '../lib/trained-halves.wgsl.js';
import { unroll, wgsl } from '../lib/wgsl.js';
import { PRODUCT_LANES, productParts, type RowsProductCut, type RowsProductParameters } from './rows-product.wgsl.js';

export const MAP_PRODUCT_SIZES = [
  'batch',
  'places_height',
  'places_width',
  'source_height',
  'source_width',
  'source_step',
  'target_height',
  'target_width',
  'target_step',
  'kernel',
  'padding',
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

/** What the text of a product over maps depends on. */
export interface MapProductParameters extends RowsProductParameters {
  /**
   * ReLU behind the sums: `applied`, or, of its gradient, `masked`: kept where what ReLU made (`activated`, which lies as y does) is above 0.
   * Default: none.
   */
  readonly relu?: 'applied' | 'masked' | undefined;
}

/**
 * Convolutions over maps with two sides and square windows, and the gradients of what goes into them; a map is rows
 * [b · height · width][channels] of rows-product.wgsl.ts:
 *
 *     y[b, (r, c), o] = bias[o] + Σ_κ Σ_i w[κ, i, o] · x[b, (r·s + κ_y − p, c·s + κ_x − p), i] + addend
 *     backwards:  y[b, (r, c), i] = Σ_κ Σ_o w[κ, i, o] · x[b, ((r + p − κ_y) / s, (c + p − κ_x) / s), o] + addend
 *
 * where asked for, then y = max(y, 0) (NaN stays NaN), or y = y · [activated > 0],
 * over the taps κ = κ_y · kernel + κ_x whose places are whole numbers inside the source. Backwards, workgroups of a phase own the targets
 * (u·s + phase_y, v·s + phase_x), so that all taps that they take are whole numbers.
 *
 * Bindings: shape · x, y, addend vec4f rows, at an offset and a distance between rows of their own · weight vec4f [tap][in][out / 4] ·
 * bias vec4f [out / 4] · activated vec4f, as y. A workgroup owns ${PRODUCT_LANES} groups of four channels of y and \`columns\` places of a phase, an invocation one of
 * the groups and all of the places. Sums are in an order of their own for each element, whatever the batch.
 */
export function mapProductKernel(p: MapProductParameters, { columns, subgroup }: RowsProductCut): Kernel {
  const shared = subgroup > 1;
  if (columns % subgroup !== 0) throw new TypeError(`map_product: ${columns} places are no whole subgroups of ${subgroup}`);
  const slots = columns / subgroup;
  const reads = trainedReads(p.halves === true);
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    reads.binding,
    ...(p.bias ? [{ name: 'bias', access: 'read', type: 'array<vec4f>' } as const] : []),
    ...(p.addend ? [{ name: 'addend', access: 'read', type: 'array<vec4f>' } as const] : []),
    ...(p.relu === 'masked' ? [{ name: 'activated', access: 'read', type: 'array<vec4f>' } as const] : []),
    { name: 'y', access: 'read_write', type: 'array<vec4f>' },
  ];
  const prepare = (slot: number): string => `  let n${slot} = min(first + ${slot * subgroup}u${shared ? ' + member' : ''}, end - 1u);
  let sample${slot} = n${slot} / places * shape.source_height * shape.source_width;
  let row${slot} = i32(n${slot} % places / shape.places_width * shape.source_step);
  let column${slot} = i32(n${slot} % places % shape.places_width * shape.source_step);`;
  // A place outside the source is read inside and multiplied by 0: one comparison a tap instead of a branch a load.
  const place = (slot: number): string => `      let r${slot} = row${slot} + offset_y;
      let c${slot} = column${slot} + offset_x;
      let inside${slot} = select(0.0f, 1.0f, u32(r${slot}) < shape.source_height && u32(c${slot}) < shape.source_width);
      let q${slot} = select(0u, u32(r${slot}) * shape.source_width + u32(c${slot}), inside${slot} > 0.0f);
      let from${slot} = shape.x_offset + (sample${slot} + q${slot}) * shape.x_row;`;
  const weights = p.backwards
    ? `${unroll(4, (row) => `        let r_${row} = ${reads.at(`base + ${row}u * shape.weight_row + k`)};`)}
${unroll(4, (k) => `        let w${k} = vec4f(r_0[${k}], r_1[${k}], r_2[${k}], r_3[${k}]);`)}`
    : unroll(4, (row) => `        let w${row} = ${reads.at(`base + (k * 4u + ${row}u) * shape.weight_row`)};`);
  const offset = (tap: string, phase: string): string =>
    p.backwards ? `(i32(${phase} + shape.padding) - i32(${tap})) / i32(shape.target_step)` : `i32(${tap}) - i32(shape.padding)`;
  const firstTap = (phase: string): string => (p.backwards ? `(${phase} + shape.padding) % shape.target_step` : '0u');
  const tapStep = p.backwards ? 'shape.target_step' : '1u';
  const relu = {
    none: '',
    applied: '  value = select(value, vec4f(), value < vec4f());\n',
    masked: '  value = select(vec4f(), value, activated[shape.y_offset + row * shape.y_row + lane] > vec4f());\n',
  }[p.relu ?? 'none'];
  const code = wgsl`${shared ? 'enable subgroups;' : ''}
${declareShape(MAP_PRODUCT_SIZES)}
${declareBindings(bindings)}

const COLUMNS: u32 = ${columns}u;
const LANES: u32 = ${PRODUCT_LANES}u;${reads.functions}

fn finish(n: u32, lane: u32, phase_y: u32, phase_x: u32, sum: vec4f) {
  let places = shape.places_height * shape.places_width;
  let r = n % places / shape.places_width * shape.target_step + phase_y;
  let c = n % places % shape.places_width * shape.target_step + phase_x;
  if (lane >= shape.target_groups || r >= shape.target_height || c >= shape.target_width) {
    return;
  }
  let row = (n / places * shape.target_height + r) * shape.target_width + c;
  var value = sum;
  #if ${p.bias}
  value += bias[shape.bias_offset + lane];
  #endif
  #if ${p.addend}
  value += addend[shape.addend_offset + row * shape.addend_row + lane];
  #endif
${relu}  y[shape.y_offset + row * shape.y_row + lane] = value;
}

@compute @workgroup_size(${PRODUCT_LANES})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
${shared ? '  @builtin(subgroup_invocation_id) member: u32,' : ''}
) {
  let phase_y = workgroup.z / shape.target_step;
  let phase_x = workgroup.z % shape.target_step;
  let lane = workgroup.x * LANES + local;
  // Lanes past the last one read in bounds, and write nothing.
  let group = min(lane, shape.target_groups - 1u);
  let places = shape.places_height * shape.places_width;
  let first = workgroup.y * COLUMNS;
  let end = shape.batch * places;
${unroll(slots, prepare)}
${unroll(columns, (c) => `  var acc${c} = vec4f();`)}

  for (var tap_y = ${firstTap('phase_y')}; tap_y < shape.kernel; tap_y += ${tapStep}) {
    let offset_y = ${offset('tap_y', 'phase_y')};
    for (var tap_x = ${firstTap('phase_x')}; tap_x < shape.kernel; tap_x += ${tapStep}) {
      let offset_x = ${offset('tap_x', 'phase_x')};
      let base = (tap_y * shape.kernel + tap_x) * shape.weight_tap + group${p.backwards ? ' * 4u * shape.weight_row' : ''};
${unroll(slots, place)}
      for (var k = 0u; k < shape.source_groups; k++) {
${weights}
${unroll(slots, (slot) => `        let v${slot} = x[from${slot} + k] * inside${slot};`)}
${unroll(columns, (c) => unroll(4, (row) => `        acc${c} = fma(w${row}, vec4f(${handedRound(c, row, subgroup)}), acc${c});`))}
      }
    }
  }

  // One store in a loop, and the sums move on: text for every place takes a software driver long to compile.
  let count = min(COLUMNS, end - first);
  for (var c = 0u; c < count; c++) {
    finish(first + c, lane, phase_y, phase_x, acc0);
${sumsMoveOn(columns)}
  }
}
`;
  return {
    label: `map_product ${productParts(p)}${p.relu ? ` relu ${p.relu}` : ''} ${columns}${shared ? ` subgroup ${subgroup}` : ''}`,
    code,
    bindings,
  };
}
