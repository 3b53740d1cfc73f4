import { activate, activationFunctions } from '../lib/activations.wgsl.js';
import { at, declareBindings, declareShape, type Kernel, type KernelBinding, SHAPE_BINDING } from '../lib/kernel.js';
import { BLOCK_LANES, chunkPairs, weightFormat } from '../lib/weight-storage.wgsl.js';
import { unroll, wgsl } from '../lib/wgsl.js';
import { convInput } from './conv-input.wgsl.js';
import { PROLOGUE_LAYOUTS, PROLOGUE_VEC4S, prologueBindings, prologueParts, prologueSizes, prologueText } from './conv-prologue.wgsl.js';
import { type Conv1dParameters, turnOf } from './conv1d-shape.js';
import { handedInput } from './handed-input.wgsl.js';
import { PRODUCTS, type WeightUse } from './products.js';
import { tapMap } from './taps.js';

/**
 * Convolution along time, its transpose, and with kernel size 1 every linear layer:
 *
 *     y[b, o, t] = act( bias[o] + Σ_i Σ_κ w[i, κ, o] · act_in(x[b, i, q(t, κ)]) ) + residual[b, o, t]
 *
 * q(t, κ) is the geometry's input column (taps.ts); columns outside the input count as 0.
 *
 * Bindings: shape · x, y, residual f32 by layout · weight in chunks (weight-storage.wgsl.ts), channels padded with zeros ·
 * bias, and for int8 weight_scale, f32 [outChannels].
 *
 * A workgroup owns `lanes` groups of four output channels and `columns` columns of one sample; an invocation owns one of
 * these groups, all columns, and every `slices`-th group of input channels: it reads each of its weights once and uses it
 * for all columns. What a workgroup reads of the weights lies in one piece. Slices are then added in ascending order,
 * some columns at a time, each row by an invocation of its own, so that sums are the same in every run and for every batch size; the
 * workgroup's memory holds the staged input during the loop, and sums of slices after it.
 *
 * With `split` the input channels are shared among workgroups as well, as many side by side as there are partial sums:
 * y is then [split][…], without bias, activation and residual.
 */
export function conv1dKernel(p: Conv1dParameters): Kernel {
  const { columns, lanes, slices } = p.tiling;
  const { kernelSize, outLength } = p.geometry;
  const invocations = lanes * slices;
  const format = weightFormat(p.storage, p.halfLoads, p.place, p.carried);
  const pairs = chunkPairs(p.storage);
  const turn = turnOf(p, kernelSize);
  const map = tapMap(p.geometry, columns);
  const { inVector = 'scalar', inSpace: space = 'storage', handed, ragged, order = 'by weight' } = p;
  const inputText = { space, geometry: p.geometry, map, columns, ragged, activation: p.inActivation };
  const input = handed
    ? handedInput({ ...inputText, vector: inVector, ...handed })
    : convInput({ ...inputText, vector: p.stage ? 'staged' : inVector, channels: turn.channels });
  const taps = map.taps.filter((tap) => input.inside(tap.window) && tap.column < outLength);
  const memory = p.stage ? PROLOGUE_VEC4S : REDUCTION_VEC4S;
  const chunk = Math.max(1, Math.min(slices, columns, Math.floor(memory / invocations)));
  const tiles = Math.ceil(outLength / columns);
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    ...(p.stage ? prologueBindings(p.stage) : [input.binding]),
    ...format.bindings,
    ...(p.bias ? [{ name: 'bias', access: 'read', type: 'array<f32>' } as const] : []),
    ...(p.residual ? [{ name: 'residual', access: 'read', type: 'array<f32>' } as const] : []),
    { name: 'y', access: 'read_write', type: 'array<f32>' },
  ];

  const usesOf = (position: number): WeightUse[] => {
    const channel = Math.floor(position / kernelSize);
    const uses = taps.filter(({ tap }) => tap === position % kernelSize);
    return uses.map(({ column, window }) => ({ column, value: input.value(channel, window) }));
  };
  const loaded = (index: number): string => `load_chunk(base + ${index * BLOCK_LANES}u)`;
  const { unpack, unpackHalf, settle } = format;
  const settled = settle ? unroll(columns, (c) => `  acc${c} = ${settle(`acc${c}`)};`) : '';
  const products = PRODUCTS[order]({ columns, chunks: turn.chunks, pairs, loaded, unpack, unpackHalf, usesOf });

  // Text for every chunk: a loop would index the sums by a variable, or carry them along, and they would leave the registers.
  const addUp = (index: number): string => {
    const from = index * chunk;
    const count = Math.min(chunk, columns - from);
    return `  workgroupBarrier();
${unroll(count, (k) => `  shared_values[${k * invocations}u + local] = acc${from + k};`)}
  workgroupBarrier();
  add_up(first + ${from}u, min(${count}u, max(end, ${from}u) - ${from}u), local, row_group, batch, split);`;
  };

  // Without stores of their own for each column: the sums move on by one component a turn of one loop. Nested loops, an array indexed by a
  // variable, or a copy of the store per column take a software driver longer to compile than all the rest.
  const movedOn = unroll(columns, (c) => `    acc${c} = vec4f(acc${c}.yzw, ${c + 1 < columns ? `acc${c + 1}.x` : '0.0f'});`);
  // The first one a constant, where it can be: a compiler may then see that all invocations of a slice load the same input.
  const [firstTurn, endTurn] = p.split
    ? ['split * shape.split_turns', 'min(first_turn + shape.split_turns, shape.turns)']
    : ['0u', 'shape.turns'];
  const member = handed ? ', @builtin(subgroup_invocation_id) member: u32' : '';
  const enables = [...(handed ? ['enable subgroups;'] : []), format.enable];
  const code = wgsl`${enables.join('\n')}
${declareShape(
  [
    'in_channels',
    'out_channels',
    'row_groups',
    'turns',
    'block_chunks',
    ...(p.split ? ['split_turns', 'split_stride'] : []),
    ...(p.stage ? prologueSizes(p.stage) : []),
  ],
  ['x', 'y', ...(p.residual ? ['residual'] : []), ...(p.stage ? PROLOGUE_LAYOUTS : [])],
)}
${declareBindings(bindings)}

const OUT_LENGTH: u32 = ${outLength}u;
const COLUMNS: u32 = ${columns}u;
const LANES: u32 = ${lanes}u;
const SLICES: u32 = ${slices}u;
const INVOCATIONS: u32 = ${invocations}u;
const BLOCK_LANES: u32 = ${BLOCK_LANES}u;
const TURN_CHUNKS: u32 = ${turn.chunks}u;
const TURN_CHANNELS: u32 = ${turn.channels}u;

${activationFunctions(p.inActivation, p.outActivation, p.stage && p.stage.norm !== 'none' ? 'mish' : 'none')}

${format.loadChunk}

fn finish(row_group: u32, row: u32, column: u32, batch: u32, split: u32, products: f32) {
  let channel = row_group * 4u + row;
  if (channel < shape.out_channels) {
    let sum = products${format.scaled ? ' * weight_scale[channel]' : ''}${p.bias ? ' + bias[channel]' : ''};
    var value = ${activate(p.outActivation, 'sum')};
    #if ${p.residual}
    value += residual[${at('residual', 'batch', 'channel', 'column')}];
    #endif
    y[${at('y', 'batch', 'channel', 'column')}${p.split ? ' + split * shape.split_stride' : ''}] = value;
  }
}

#if ${slices > 1 || p.stage !== undefined}
var<workgroup> shared_values: array<vec4f, ${p.stage ? PROLOGUE_VEC4S : chunk * invocations}>;
#endif
${p.stage ? prologueText(p.stage, invocations) : ''}
#if ${slices > 1}
fn add_up(column: u32, count: u32, local: u32, row_group: u32, batch: u32, split: u32) {
  for (var k = local / LANES; k < count * 4u; k += SLICES) {
    let first = k / 4u * INVOCATIONS + local % LANES;
    var sum = shared_values[first][k % 4u];
    for (var s = 1u; s < SLICES; s++) {
      sum += shared_values[first + s * LANES][k % 4u];
    }
    finish(row_group, k % 4u, column + k / 4u, batch, split, sum);
  }
}
#endif

@compute @workgroup_size(${invocations})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u${member}) {
  let lane = local % LANES;
  let slice = local / LANES;
  let row_group = workgroup.x * LANES + lane;
  let block = row_group / BLOCK_LANES;
  let first_chunk = block * shape.block_chunks * BLOCK_LANES + lane % BLOCK_LANES;
  let first = workgroup.y % ${tiles}u * COLUMNS;
  let batch = workgroup.z;
  let split = workgroup.y / ${tiles}u;
  let first_turn = ${firstTurn};
  let end_turn = ${endTurn};
  #if ${p.stage !== undefined}
  let first_channel = first_turn * TURN_CHANNELS;
  stage(first_channel, end_turn * TURN_CHANNELS - first_channel, batch, workgroup.x == 0u && first == 0u, local);
  #else
  let first_value = shape.x_offset + batch * shape.x_batch;
  #endif
${input.prepare}
${unroll(columns, (column) => `  var acc${column} = vec4f();`)}

  for (var n = first_turn${slices > 1 ? ' + slice' : ''}; n < end_turn; n += SLICES) {
    let base = first_chunk + n * TURN_CHUNKS * BLOCK_LANES;
${input.load}
${products}
  }
${settled}
  let end = min(COLUMNS, OUT_LENGTH - first);
#if ${slices > 1}
${unroll(Math.ceil(columns / chunk), addUp)}
#else
  for (var k = 0u; k < 4u * end; k++) {
    finish(row_group, k % 4u, first + k / 4u, batch, split, acc0.x);
${movedOn}
  }
#endif
}
`;
  const name = p.geometry.transposed ? 'conv_transpose1d' : kernelSize === 1 ? 'linear' : 'conv1d';
  const { inLength, stride } = p.geometry;
  const direct = [
    inVector,
    ...(space === 'uniform' ? [space] : []),
    ...(handed ? [`handed ${handed.channels} by ${handed.subgroup}`] : []),
  ];
  const loads = p.stage ? prologueParts(p.stage) : direct;
  const cut = `${columns}c ${lanes}x${slices} ${format.name}${order === 'by weight' ? '' : ` ${order}`}`;
  return {
    label: `${name} k${kernelSize} s${stride} ${inLength} -> ${outLength} ${cut}, ${loads.join(' ')}${p.split ? ', split' : ''}`,
    code,
    bindings,
  };
}

/** vec4s of workgroup memory for adding up slices: 16 KiB, the amount every WebGPU device grants. */
const REDUCTION_VEC4S = 1024;
