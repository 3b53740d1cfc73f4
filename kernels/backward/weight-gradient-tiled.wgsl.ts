import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { STEP_BINDING, stepStruct } from '../lib/step-scalars.js';
import { unroll, wgsl } from '../lib/wgsl.js';
import { GRADIENT_BLOCK, WEIGHT_GRADIENT_SIZES, type WeightGradientParameters } from './weight-gradient.wgsl.js';

/** How the work of a GPU's workgroup is cut. */
export interface GradientTile {
  /** Groups of four output channels of a workgroup, and of an invocation. */
  readonly lanes: number;
  readonly lanesEach: number;
  /** Groups of four input channels of a workgroup: an invocation has one. */
  readonly groups: number;
}

function gradientTileInvocations({ lanes, lanesEach, groups }: GradientTile): number {
  return (lanes / lanesEach) * groups;
}

/** Rows that are in workgroup memory at a time. */
const UNITS = 16;
/** Rows whose products are text: all of them would take a driver long to compile. */
const UNITS_AT_ONCE = 4;

/**
 * The weight gradients of weight-gradient.wgsl.ts for GPUs; formula and bindings as there.
 *
 * A workgroup owns one tap and a tile of input and output channels. It brings ${UNITS} rows of both sides to workgroup memory, loads the next
 * ones into registers, and meanwhile multiplies; two places in turns need one barrier. An invocation owns one group of input channels
 * and some of output channels. Rows are added up in ascending order, ${GRADIENT_BLOCK} to a block, blocks in dw.
 */
export function weightGradientTiledKernel({ shifted }: WeightGradientParameters, tile: GradientTile): Kernel {
  const { lanes, lanesEach, groups } = tile;
  const invocations = gradientTileInvocations(tile);
  const acrossLanes = lanes / lanesEach;
  const laneLoads = (UNITS * lanes) / invocations;
  const groupLoads = (UNITS * groups) / invocations;
  if (!Number.isInteger(laneLoads) || !Number.isInteger(groupLoads)) {
    throw new TypeError(`weight_gradient: a tile of ${lanes} × ${groups} cannot be loaded by ${invocations} invocations`);
  }
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    STEP_BINDING,
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    { name: 'dy', access: 'read', type: 'array<vec4f>' },
    { name: 'dw', access: 'read_write', type: 'array<vec4f>' },
  ];
  /** Loads channels `channel` of row `row` of one side, 0 past the last row or outside. */
  const side = (target: string, buffer: 'x' | 'dy', row: string, channel: string, isShifted: boolean): string =>
    isShifted
      ? `      {
        let n = start + ${row};
        let q = i32(n % shape.places * shape.stride + tap) - i32(shape.padding);
        ${target} = vec4f();
        if (n < end && u32(q) < shape.shifted_length) {
          ${target} = ${buffer}[shape.${buffer}_offset + (n / shape.places * shape.shifted_length + u32(q)) * shape.${buffer}_row + ${channel}];
        }
      }`
      : `      {
        let n = start + ${row};
        ${target} = vec4f();
        if (n < end) {
          ${target} = ${buffer}[shape.${buffer}_offset + n * shape.${buffer}_row + ${channel}];
        }
      }`;
  const item = (slot: number): string => `(local + ${slot * invocations}u)`;
  const load = `${unroll(laneLoads, (s) => side(`lane_value${s}`, 'dy', `${item(s)} / LANES`, `min(first_lane + ${item(s)} % LANES, shape.out_groups - 1u)`, shifted === 'output'))}
${unroll(groupLoads, (s) => side(`group_value${s}`, 'x', `${item(s)} / GROUPS`, `min(first_group + ${item(s)} % GROUPS, shape.in_groups - 1u)`, shifted === 'input'))}`;
  const store = `${unroll(laneLoads, (s) => `      outputs[turn * UNITS + ${item(s)} / LANES][${item(s)} % LANES] = lane_value${s};`)}
${unroll(groupLoads, (s) => `      inputs[turn * UNITS + ${item(s)} / GROUPS][${item(s)} % GROUPS] = group_value${s};`)}`;
  const multiply = `      for (var unit = turn * UNITS; unit < (turn + 1u) * UNITS; unit += ${UNITS_AT_ONCE}u) {
${unroll(
  UNITS_AT_ONCE,
  (unit) => `        {
          let v = inputs[unit + ${unit}u][group_y];
${unroll(
  lanesEach,
  (lane) => `          let a${lane} = outputs[unit + ${unit}u][lane_x + ${lane * acrossLanes}u];
${unroll(4, (c) => `          acc${c}_${lane} += a${lane} * v[${c}];`)}`,
)}
        }`,
)}
      }`;
  const finish = (lane: number): string =>
    unroll(
      4,
      (c) =>
        `    finish(tap, (first_group + group_y) * 4u + ${c}u, first_lane + lane_x + ${lane * acrossLanes}u, block == 0u, acc${c}_${lane});`,
    );
  const code = wgsl`
${declareShape(WEIGHT_GRADIENT_SIZES)}
${stepStruct}
${declareBindings(bindings)}

const LANES: u32 = ${lanes}u;
const GROUPS: u32 = ${groups}u;
const UNITS: u32 = ${UNITS}u;
const BLOCK: u32 = ${GRADIENT_BLOCK}u;

var<workgroup> outputs: array<array<vec4f, ${lanes}>, ${2 * UNITS}>;
var<workgroup> inputs: array<array<vec4f, ${groups}>, ${2 * UNITS}>;

fn finish(tap: u32, channel: u32, lane: u32, is_first: bool, sum: vec4f) {
  if (channel >= shape.in_groups * 4u || lane >= shape.out_groups) {
    return;
  }
  let at = tap * shape.weight_tap + channel * shape.weight_row + lane;
  var value = sum;
  if (!is_first || step.accumulate != 0.0f) {
    value += dw[at];
  }
  dw[at] = value;
}

@compute @workgroup_size(${invocations})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let tap = workgroup.z;
  let first_lane = workgroup.x * LANES;
  let first_group = workgroup.y * GROUPS;
  let lane_x = local % ${acrossLanes}u;
  let group_y = local / ${acrossLanes}u;
${unroll(laneLoads, (s) => `  var lane_value${s}: vec4f;`)}
${unroll(groupLoads, (s) => `  var group_value${s}: vec4f;`)}

  for (var block = 0u; block < shape.rows; block += BLOCK) {
    let end = min(block + BLOCK, shape.rows);
${unroll(lanesEach, (lane) => unroll(4, (c) => `    var acc${c}_${lane} = vec4f();`))}
    var turn = 0u;
    {
      let start = block;
${load}
${store}
    }
    workgroupBarrier();
    for (var next = block + UNITS; next < end + UNITS; next += UNITS) {
      let more = next < end;
      if (more) {
        let start = next;
${load}
      }
${multiply}
      turn = 1u - turn;
      if (more) {
${store}
      }
      workgroupBarrier();
    }
${unroll(lanesEach, finish)}
  }
}
`;
  return { label: `weight_gradient tiled ${shifted} shifted ${lanes}x${groups} of ${lanesEach}`, code, bindings };
}
