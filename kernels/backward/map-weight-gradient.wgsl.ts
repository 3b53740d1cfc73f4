import { handedRound } from '../lib/handed-round.js';
import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { STEP_BINDING, stepStruct } from '../lib/step-scalars.js';
import { sumsMoveOn } from '../lib/sums-move-on.js';
import { unroll, wgsl } from '../lib/wgsl.js';
import { GRADIENT_BLOCK, GRADIENT_LANES, rowsAtOnce, type WeightGradientCut } from './weight-gradient.wgsl.js';

export const MAP_WEIGHT_GRADIENT_SIZES = [
  'rows',
  'height',
  'width',
  'source_height',
  'source_width',
  'stride',
  'padding',
  'kernel',
  'in_groups',
  'out_groups',
  'weight_row',
  'weight_tap',
  'x_offset',
  'x_row',
  'dy_offset',
  'dy_row',
] as const;

/** Of a gradient whose places are shared by several workgroups: places of each, a whole number of blocks, and elements of a partial sum in fours. */
export const MAP_GRADIENT_SLICE_SIZES = ['slice_rows', 'slice_weights'] as const;

/**
 * The gradient of the weights of a convolution over maps with two sides (map-product.wgsl.ts):
 *
 *     dw[κ, i, o] = Σ_b Σ_(r, c) x[b, (r·s + κ_y − p, c·s + κ_x − p), i] · dy[b, (r, c), o]
 *
 * Places outside count as 0. With step.accumulate the sums are added to what is there. Bindings: shape · step · x vec4f rows
 * [b · source][in / 4] · dy the same of out channels · dw vec4f [tap][in][out / 4].
 *
 * A workgroup owns one tap, \`groups\` groups of four input channels and ${GRADIENT_LANES} of output channels, an invocation one of the latter: it
 * goes through all places in ascending order, ${GRADIENT_BLOCK} to a block, blocks added up in dw. For software drivers: what every
 * invocation needs is loaded once for a subgroup and handed round.
 *
 * `sliced`, for GPUs, where a layer of few channels would leave most of one idle: workgroup (tap · slices + slice) goes through the places of
 * its slice, and dw is vec4f [slice][tap][in][out / 4], partial sums that row-sums.wgsl.ts adds up.
 */
export function mapWeightGradientKernel(cut: WeightGradientCut, sliced = false): Kernel {
  const { groups, subgroup } = cut;
  const shared = subgroup > 1;
  const atOnce = rowsAtOnce(cut);
  const loads = atOnce * groups;
  if (loads % subgroup !== 0) throw new TypeError(`map_weight_gradient: ${loads} loads are no whole subgroups of ${subgroup}`);
  const slots = loads / subgroup;
  const columns = 4 * groups;
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    ...(sliced ? [] : [STEP_BINDING]),
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    { name: 'dy', access: 'read', type: 'array<vec4f>' },
    { name: 'dw', access: 'read_write', type: 'array<vec4f>' },
  ];
  // What a member loads in a slot: place `turn` of those at once, and a group of input channels.
  const item = (slot: number): string => `${slot * subgroup}u${shared ? ' + member' : ''}`;
  const prepare = (slot: number): string => `  let turn${slot} = (${item(slot)}) / GROUPS;
  let group${slot} = min(first_group + (${item(slot)}) % GROUPS, shape.in_groups - 1u);`;
  const loadColumn = (slot: number): string => `      let m${slot} = min(n + turn${slot}, end - 1u);
      let r${slot} = i32(m${slot} % places / shape.width * shape.stride + tap_y) - i32(shape.padding);
      let c${slot} = i32(m${slot} % shape.width * shape.stride + tap_x) - i32(shape.padding);
      let inside${slot} = select(0.0f, 1.0f,
        u32(r${slot}) < shape.source_height && u32(c${slot}) < shape.source_width && n + turn${slot} < end);
      let q${slot} = (m${slot} / places * shape.source_height + u32(r${slot})) * shape.source_width + u32(c${slot});
      let v${slot} = x[shape.x_offset + select(0u, q${slot}, inside${slot} > 0.0f) * shape.x_row + group${slot}] * inside${slot};`;
  const value = (turn: number, column: number): string => handedRound(turn * groups + (column >> 2), column & 3, subgroup);
  const code = wgsl`${shared ? 'enable subgroups;' : ''}
${declareShape(sliced ? [...MAP_WEIGHT_GRADIENT_SIZES, ...MAP_GRADIENT_SLICE_SIZES] : MAP_WEIGHT_GRADIENT_SIZES)}
${sliced ? '' : stepStruct}
${declareBindings(bindings)}

const GROUPS: u32 = ${groups}u;
const LANES: u32 = ${GRADIENT_LANES}u;
const BLOCK: u32 = ${GRADIENT_BLOCK}u;

@compute @workgroup_size(${GRADIENT_LANES})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
${shared ? '  @builtin(subgroup_invocation_id) member: u32,' : ''}
) {
${
  sliced
    ? `  let slices = (shape.rows + shape.slice_rows - 1u) / shape.slice_rows;
  let tap = workgroup.z / slices;
  let slice = workgroup.z % slices;
  let first_row = slice * shape.slice_rows;
  let end_row = min(first_row + shape.slice_rows, shape.rows);`
    : '  let tap = workgroup.z;'
}
  let tap_y = tap / shape.kernel;
  let tap_x = tap % shape.kernel;
  let lane = workgroup.x * LANES + local;
  let lane_read = min(lane, shape.out_groups - 1u);
  let first_group = workgroup.y * GROUPS;
  let places = shape.height * shape.width;
${unroll(slots, prepare)}

  for (var start = ${sliced ? 'first_row' : '0u'}; start < ${sliced ? 'end_row' : 'shape.rows'}; start += BLOCK) {
    let end = min(start + BLOCK, ${sliced ? 'end_row' : 'shape.rows'});
${unroll(columns, (c) => `    var acc${c} = vec4f();`)}
    for (var n = start; n < end; n += ${atOnce}u) {
${unroll(slots, loadColumn)}
${unroll(atOnce, (turn) => `      let a${turn} = dy[shape.dy_offset + min(n + ${turn}u, end - 1u) * shape.dy_row + lane_read];`)}
${unroll(atOnce, (turn) => unroll(columns, (c) => `      acc${c} = fma(a${turn}, vec4f(${value(turn, c)}), acc${c});`))}
    }

    let keep = ${sliced ? 'select(1.0f, 0.0f, start == first_row)' : 'select(1.0f, step.accumulate, start == 0u)'};
    // The sums move on: one store in a loop.
    let count = min(${columns}u, (shape.in_groups - first_group) * 4u);
    for (var c = 0u; c < count; c++) {
      if (lane < shape.out_groups) {
        let at = ${sliced ? 'slice * shape.slice_weights + ' : ''}tap * shape.weight_tap + (first_group * 4u + c) * shape.weight_row + lane;
        var sum = acc0;
        if (keep != 0.0f) {
          sum += dw[at];
        }
        dw[at] = sum;
      }
${sumsMoveOn(columns, '      ')}
    }
  }
}
`;
  return { label: `map_weight_gradient ${groups}${sliced ? ' sliced' : ''}${shared ? ` subgroup ${subgroup}` : ''}`, code, bindings };
}
