import { declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { ownerText } from '../lib/owners.wgsl.js';
import { STEP_BINDING, stepStruct } from '../lib/step-scalars.js';
import { wgsl } from '../lib/wgsl.js';

export const ROW_SUMS_SIZES = ['rows', 'groups', 'x_offset', 'x_row', 'y_offset'] as const;

/** Rows that are added up before the sum joins the others. */
const BLOCK_ROWS = 32;

/**
 * Sums over all rows, as the gradient of a bias:
 *
 *     y[c] = Σ_n x[n, c]      with step.accumulate they are added to what is there
 *
 * Bindings: shape · step · x vec4f rows [n][channels / 4] at an offset and a distance of their own · y vec4f [channels / 4].
 * A part is a group of four channels (owners.wgsl.ts). Its members take rows in turns and add them up in blocks of ${BLOCK_ROWS}.
 */
export function rowSumsKernel(members: number): Kernel {
  const owner = ownerText(members);
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    STEP_BINDING,
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    { name: 'y', access: 'read_write', type: 'array<vec4f>' },
  ];
  const code = wgsl`
${declareShape(ROW_SUMS_SIZES)}
${stepStruct}
${declareBindings(bindings)}

const MEMBERS: u32 = ${members}u;
${owner.functions}

@compute @workgroup_size(${owner.workgroupSize})
fn main(${owner.parameters}) {
${owner.prepare('shape.groups')}
  var sum = vec4f();
  for (var start = member; start < shape.rows; start += ${BLOCK_ROWS}u * MEMBERS) {
    let end = min(start + ${BLOCK_ROWS}u * MEMBERS, shape.rows);
    var block = vec4f();
    for (var n = start; n < end; n += MEMBERS) {
      block += x[shape.x_offset + n * shape.x_row + owner];
    }
    sum += block;
  }
  sum = vec4f(reduce_sum(sum.x, local), reduce_sum(sum.y, local), reduce_sum(sum.z, local), reduce_sum(sum.w, local));
  if (member == 0u) {
    let at = shape.y_offset + owner;
    if (step.accumulate != 0.0f) {
      sum += y[at];
    }
    y[at] = sum;
  }
}
`;
  return { label: `row_sums ${members}`, code, bindings };
}
