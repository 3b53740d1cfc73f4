import { handedRound } from '../lib/handed-round.js';
import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { STEP_BINDING, stepStruct } from '../lib/step-scalars.js';
import { sumsMoveOn } from '../lib/sums-move-on.js';
import { unroll, wgsl } from '../lib/wgsl.js';

export interface WeightGradientParameters {
  /** What is read at a tap's distance: what went in (convolution), or the gradient of what came out (transposed convolution). */
  readonly shifted: 'input' | 'output';
}

export interface WeightGradientCut {
  /** Groups of four input channels of a workgroup. */
  readonly groups: number;
  readonly subgroup: number;
}

/** Groups of four output channels, and invocations, of a workgroup. */
export const GRADIENT_LANES = 8;

/** Rows that are added up before the sum moves on to the gradient: a sum of sums keeps its digits. */
export const GRADIENT_BLOCK = 512;

export const WEIGHT_GRADIENT_SIZES = [
  'rows',
  'places',
  'shifted_length',
  'stride',
  'padding',
  'in_groups',
  'out_groups',
  'weight_row',
  'weight_tap',
  'x_offset',
  'x_row',
  'dy_offset',
  'dy_row',
] as const;

/** Rows of the column operand that the members of a subgroup load at once. */
export function rowsAtOnce({ groups, subgroup }: WeightGradientCut): number {
  return Math.max(1, Math.floor(subgroup / groups));
}

/**
 * The gradient of the weights of a convolution, transposed convolution or linear layer:
 *
 *     dw[κ, i, o] = Σ_b Σ_u x[b, q, i] · dy[b, r, o]     q = u·s + κ − p, r = u   (convolution)
 *                                                        q = u, r = u·s + κ − p   (transposed)
 *
 * Rows outside count as 0. With step.accumulate the sums are added to what is there.
 *
 * Bindings: shape · step · x vec4f rows [b·length + t][in / 4] · dy the same of out channels · dw vec4f [tap][in][out / 4].
 *
 * A workgroup owns one tap, `groups` groups of four input channels and ${GRADIENT_LANES} of output channels, an invocation one of the latter: it
 * goes through all rows in ascending order, ${GRADIENT_BLOCK} to a block, blocks added up in dw. For software drivers: what every
 * invocation needs is loaded once for a subgroup and handed round.
 */
export function weightGradientKernel({ shifted }: WeightGradientParameters, cut: WeightGradientCut): Kernel {
  const { groups, subgroup } = cut;
  const shared = subgroup > 1;
  const atOnce = rowsAtOnce(cut);
  const loads = atOnce * groups;
  if (loads % subgroup !== 0) throw new TypeError(`weight_gradient: ${loads} loads are no whole subgroups of ${subgroup}`);
  const slots = loads / subgroup;
  const columns = 4 * groups;
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    STEP_BINDING,
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    { name: 'dy', access: 'read', type: 'array<vec4f>' },
    { name: 'dw', access: 'read_write', type: 'array<vec4f>' },
  ];
  const inputShifted = shifted === 'input';
  // What a member loads in a slot: row `turn` of those at once, and a group of input channels.
  const item = (slot: number): string => `${slot * subgroup}u${shared ? ' + member' : ''}`;
  const prepare = (slot: number): string => `  let turn${slot} = (${item(slot)}) / GROUPS;
  let group${slot} = min(first_group + (${item(slot)}) % GROUPS, shape.in_groups - 1u);`;
  const restart = (slot: number): string => `    var b${slot} = (start + turn${slot}) / shape.places;
    var u${slot} = (start + turn${slot}) % shape.places;`;
  const shiftedRow = (u: string): string => `i32(${u} * shape.stride + tap) - i32(shape.padding)`;
  const loadColumn = (slot: number): string =>
    inputShifted
      ? `      let q${slot} = ${shiftedRow(`u${slot}`)};
      let inside${slot} = select(0.0f, 1.0f, u32(q${slot}) < shape.shifted_length && n + turn${slot} < end);
      let v${slot} = x[shape.x_offset + select(0u, b${slot} * shape.shifted_length + u32(q${slot}), inside${slot} > 0.0f) * shape.x_row + group${slot}] * inside${slot};`
      : `      let inside${slot} = select(0.0f, 1.0f, n + turn${slot} < end);
      let v${slot} = x[shape.x_offset + min(n + turn${slot}, end - 1u) * shape.x_row + group${slot}] * inside${slot};`;
  const advance = (slot: number): string => `      u${slot} += ${atOnce}u;
      b${slot} += select(0u, 1u, u${slot} >= shape.places);
      u${slot} -= select(0u, shape.places, u${slot} >= shape.places);`;
  const loadLane = (turn: number): string =>
    inputShifted
      ? `      let a${turn} = dy[shape.dy_offset + min(n + ${turn}u, end - 1u) * shape.dy_row + lane_read];`
      : `      let r${turn} = ${shiftedRow(`lane_u${turn}`)};
      let held${turn} = select(0.0f, 1.0f, u32(r${turn}) < shape.shifted_length);
      let a${turn} = dy[shape.dy_offset + select(0u, lane_b${turn} * shape.shifted_length + u32(r${turn}), held${turn} > 0.0f) * shape.dy_row + lane_read] * held${turn};`;
  const value = (turn: number, column: number): string => handedRound(turn * groups + (column >> 2), column & 3, subgroup);
  const laneStart = (turn: number): string => `    var lane_b${turn} = (start + ${turn}u) / shape.places;
    var lane_u${turn} = (start + ${turn}u) % shape.places;`;
  const laneAdvance = (turn: number): string => `      lane_u${turn} += ${atOnce}u;
      lane_b${turn} += select(0u, 1u, lane_u${turn} >= shape.places);
      lane_u${turn} -= select(0u, shape.places, lane_u${turn} >= shape.places);`;
  const code = wgsl`${shared ? 'enable subgroups;' : ''}
${declareShape(WEIGHT_GRADIENT_SIZES)}
${stepStruct}
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
  let tap = workgroup.z;
  let lane = workgroup.x * LANES + local;
  let lane_read = min(lane, shape.out_groups - 1u);
  let first_group = workgroup.y * GROUPS;
${unroll(slots, prepare)}

  for (var start = 0u; start < shape.rows; start += BLOCK) {
    let end = min(start + BLOCK, shape.rows);
${unroll(columns, (c) => `    var acc${c} = vec4f();`)}
${inputShifted ? unroll(slots, restart) : unroll(atOnce, laneStart)}
    for (var n = start; n < end; n += ${atOnce}u) {
${unroll(slots, loadColumn)}
${unroll(atOnce, loadLane)}
${unroll(atOnce, (turn) => unroll(columns, (c) => `      acc${c} = fma(a${turn}, vec4f(${value(turn, c)}), acc${c});`))}
${inputShifted ? unroll(slots, advance) : unroll(atOnce, laneAdvance)}
    }

    let keep = select(1.0f, step.accumulate, start == 0u);
    // The sums move on: one store in a loop.
    let count = min(${columns}u, (shape.in_groups - first_group) * 4u);
    for (var c = 0u; c < count; c++) {
      if (lane < shape.out_groups) {
        let at = tap * shape.weight_tap + (first_group * 4u + c) * shape.weight_row + lane;
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
  return { label: `weight_gradient ${shifted} shifted ${groups}${shared ? ` subgroup ${subgroup}` : ''}`, code, bindings };
}
