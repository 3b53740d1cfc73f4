import { declareBindings, declareShape, type Kernel } from '../lib/kernel.js';
import { trainedReads } from '../lib/trained-halves.wgsl.js';
import { unroll, wgsl } from '../lib/wgsl.js';
import {
  productBindings,
  productParts,
  ROWS_PRODUCT_SIZES,
  type RowsProductParameters,
  sourceOffset,
  storeProduct,
} from './rows-product.wgsl.js';

/** How the work of a GPU's workgroup is cut. */
export interface RowsTile {
  /** Rows of a workgroup, and of an invocation. */
  readonly rows: number;
  readonly rowsEach: number;
  /** Groups of four channels of a workgroup, and of an invocation. */
  readonly lanes: number;
  readonly lanesEach: number;
}

function rowsTileInvocations({ rows, rowsEach, lanes, lanesEach }: RowsTile): number {
  return (rows / rowsEach) * (lanes / lanesEach);
}

/** Groups of four source channels that are in workgroup memory at a time. */
const UNITS = 4;

/**
 * The products of rows-product.wgsl.ts for GPUs; formula and bindings as there.
 *
 * A workgroup owns a tile of rows and of channels of y. It brings ${UNITS} groups of source channels, and the weights that meet them at one
 * tap, to workgroup memory, loads the next ones into registers, and meanwhile multiplies; two places in turns need one barrier. An
 * invocation owns some of the rows and of the groups. Backwards, weights are turned on their way: four rows of four become
 * four columns. The reduction is in the order of taps and channels, whatever the tile and the batch.
 */
export function rowsProductTiledKernel(p: RowsProductParameters, tile: RowsTile): Kernel {
  const { rows, rowsEach, lanes, lanesEach } = tile;
  const invocations = rowsTileInvocations(tile);
  const acrossLanes = lanes / lanesEach;
  const acrossRows = rows / rowsEach;
  const inputLoads = (UNITS * rows) / invocations;
  const weightLoads = (UNITS * 4 * lanes) / invocations;
  const blocks = UNITS * lanes;
  const reads = trainedReads(p.halves === true);
  if (!Number.isInteger(inputLoads) || !Number.isInteger(weightLoads) || blocks > invocations) {
    throw new TypeError(`rows_product: a tile of ${rows} × ${lanes} cannot be loaded by ${invocations} invocations`);
  }
  const bindings = productBindings(p, reads);
  // Units of a row side by side: neighbours load neighbours.
  const prepareInput = (slot: number): string => `  let n${slot} = min(first + (local + ${slot * invocations}u) / UNITS, end - 1u);
  let sample${slot} = n${slot} / shape.places * shape.source_length;
  let place${slot} = i32(n${slot} % shape.places * shape.source_step);
  var input${slot}: vec4f;`;
  const loadInput = (slot: number): string => `    let q${slot} = place${slot} + offset;
    input${slot} = vec4f();
    if (u32(q${slot}) < shape.source_length && unit + local % UNITS < shape.source_groups) {
      input${slot} = x[shape.x_offset + (sample${slot} + u32(q${slot})) * shape.x_row + unit + local % UNITS];
    }`;
  const storeInput = (slot: number): string =>
    `    inputs[turn * UNITS + local % UNITS][(local + ${slot * invocations}u) / UNITS] = input${slot};`;
  // Rows past the last one meet inputs that are zeros; they must be in bounds.
  const loadForwards = (slot: number): string =>
    `    weight${slot} = ${reads.at(`tap * shape.weight_tap
      + min(unit * 4u + (local + ${slot * invocations}u) / LANES, shape.source_groups * 4u - 1u) * shape.weight_row
      + min(first_lane + (local + ${slot * invocations}u) % LANES, shape.target_groups - 1u)`)};`;
  const storeForwards = (slot: number): string =>
    `    weights[turn * UNITS * 4u + (local + ${slot * invocations}u) / LANES][(local + ${slot * invocations}u) % LANES] = weight${slot};`;
  const loadBackwards = `    if (local < BLOCKS) {
      let base = tap * shape.weight_tap + min(first_lane + local / UNITS, shape.target_groups - 1u) * 4u * shape.weight_row
        + min(unit + local % UNITS, shape.source_groups - 1u);
${unroll(4, (row) => `      weight${row} = ${reads.at(`base + ${row}u * shape.weight_row`)};`)}
    }`;
  const storeBackwards = `    if (local < BLOCKS) {
${unroll(4, (k) => `      weights[turn * UNITS * 4u + local % UNITS * 4u + ${k}u][local / UNITS] = vec4f(weight0[${k}], weight1[${k}], weight2[${k}], weight3[${k}]);`)}
    }`;
  const load = `    let unit = turn_index % chunks * UNITS;
    let tap = tap0 + turn_index / chunks * shape.tap_step;
    let offset = source_offset(tap, phase);
${unroll(inputLoads, loadInput)}
${p.backwards ? loadBackwards : unroll(weightLoads, loadForwards)}`;
  const store = `${unroll(inputLoads, storeInput)}
${p.backwards ? storeBackwards : unroll(weightLoads, storeForwards)}`;
  const multiply = unroll(
    UNITS,
    (unit) => `    {
${unroll(rowsEach, (row) => `      let v${row} = inputs[turn * UNITS + ${unit}u][row_y + ${row * acrossRows}u];`)}
${unroll(4, (k) =>
  unroll(
    lanesEach,
    (lane) => `      {
        let w = weights[turn * UNITS * 4u + ${unit * 4 + k}u][lane_x + ${lane * acrossLanes}u];
${unroll(rowsEach, (row) => `        acc${row}_${lane} += w * v${row}[${k}];`)}
      }`,
  ),
)}
    }`,
  );
  const sums = Array.from({ length: rowsEach * lanesEach }, (_, i) => ({ row: i % rowsEach, lane: Math.floor(i / rowsEach) }));
  const code = wgsl`
${declareShape(ROWS_PRODUCT_SIZES)}
${declareBindings(bindings)}

const ROWS: u32 = ${rows}u;
const LANES: u32 = ${lanes}u;
const UNITS: u32 = ${UNITS}u;
const BLOCKS: u32 = ${blocks}u;

var<workgroup> inputs: array<array<vec4f, ${rows}>, ${2 * UNITS}>;
var<workgroup> weights: array<array<vec4f, ${lanes}>, ${2 * UNITS * 4}>;
${sourceOffset}${reads.functions}

fn finish(n: u32, lane: u32, phase: u32, sum: vec4f) {
  let t = n % shape.places * shape.target_step + phase;
  if (n >= shape.batch * shape.places || lane >= shape.target_groups || t >= shape.target_length) {
    return;
  }
  let row = n / shape.places * shape.target_length + t;
${storeProduct(p)}
}

@compute @workgroup_size(${invocations})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let phase = workgroup.z;
  let first_lane = workgroup.x * LANES;
  let first = workgroup.y * ROWS;
  let end = shape.batch * shape.places;
  let lane_x = local % ${acrossLanes}u;
  let row_y = local / ${acrossLanes}u;
  let tap0 = first_tap(phase);
  let chunks = (shape.source_groups + UNITS - 1u) / UNITS;
  let turns = (shape.taps - tap0 + shape.tap_step - 1u) / shape.tap_step * chunks;
${unroll(inputLoads, prepareInput)}
${unroll(p.backwards ? 4 : weightLoads, (slot) => `  var weight${slot}: vec4f;`)}
${unroll(sums.length, (i) => `  var acc${sums[i]?.row}_${sums[i]?.lane} = vec4f();`)}

  var turn = 0u;
  {
    let turn_index = 0u;
${load}
${store}
  }
  workgroupBarrier();
  for (var next = 1u; next <= turns; next++) {
    let more = next < turns;
    if (more) {
      let turn_index = next;
${load}
    }
${multiply}
    turn = 1u - turn;
    if (more) {
${store}
    }
    workgroupBarrier();
  }
${sums.map(({ row, lane }) => `  finish(first + row_y + ${row * acrossRows}u, first_lane + lane_x + ${lane * acrossLanes}u, phase, acc${row}_${lane});`).join('\n')}
}
`;
  return { label: `rows_product tiled ${productParts(p)} ${rows}x${lanes} of ${rowsEach}x${lanesEach}`, code, bindings };
}
