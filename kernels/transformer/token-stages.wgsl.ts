import type { KernelBinding } from '../lib/kernel.js';
import { turnChunks } from '../lib/linear-stack.js';
import { BLOCK_LANES, chunkPairs, type WeightStorage, weightFormat } from '../lib/weight-storage.wgsl.js';
import { f32, unroll, wgsl } from '../lib/wgsl.js';

/** Invocations per workgroup: the most that every device grants. */
const TOKEN_INVOCATIONS = 256;
/** Bytes of workgroup memory that every device grants. */
const WORKGROUP_BYTES = 16_384;

/** Sizes of a transformer that its token kernels share. Model and feedforward dimension and heads are multiples of 4 wide. */
export interface TokenSizes {
  readonly storage: WeightStorage;
  readonly modelDim: number;
  readonly heads: number;
  readonly epsilon: number;
  /** The widest input of a linear layer. */
  readonly maxInput: number;
  /** The widest output of one. */
  readonly maxOutput: number;
  /** The longest sequence that is attended to. */
  readonly maxKeys: number;
}

interface WorkgroupMemory {
  /** vec4s of the residual stream and behind it of the inputs of the next linear layer. */
  readonly work: number;
  /** vec4s of partial sums. */
  readonly partial: number;
  /** f32 per head and key. */
  readonly scores: number;
}

function workgroupMemory(sizes: TokenSizes): WorkgroupMemory {
  const width = sizes.modelDim / 4;
  return {
    work: width + Math.ceil(sizes.maxInput / 4),
    partial: Math.max(TOKEN_INVOCATIONS, Math.ceil(sizes.maxOutput / 4)),
    scores: sizes.heads * sizes.maxKeys,
  };
}

/** Whether token kernels can be made for these sizes. */
export function fitsTokenStages(sizes: TokenSizes): boolean {
  const { work, partial, scores } = workgroupMemory(sizes);
  const fitsNorm = sizes.modelDim <= 4 * TOKEN_INVOCATIONS;
  return fitsNorm && sizes.modelDim % (4 * sizes.heads) === 0 && (work + partial) * 16 + scores * 4 <= WORKGROUP_BYTES;
}

/** Weights of a stack (linear-stack.ts), for int8 its scales, and what is f32: biases of the stack, then what the kernel says. */
export function tokenWeightBindings(storage: WeightStorage): KernelBinding[] {
  const { bindings, scaled } = weightFormat(storage);
  return [
    ...bindings.filter(({ name }) => name === 'weight'),
    ...(scaled ? [{ name: 'weight_scale', access: 'read', type: 'array<vec4f>' } as const] : []),
    { name: 'floats', access: 'read', type: 'array<vec4f>' },
  ];
}

/**
 * The functions that token kernels are made of. A workgroup owns one token of one sample: its residual stream is
 * work[RESIDUAL …], what the next stage reads is work[INPUT …], both as vec4s of channels.
 *
 * - `multiply` (or `multiply_narrow`), then `product` (or `partial_sum`, which is without scale and bias) for each of its
 *   groups of four outputs: a linear layer over the input. Slices of the sum over input channels belong to one invocation
 *   each and are added in ascending order.
 * - `layer_norm`: of the residual stream to the input, and back to the residual stream where it is to be kept.
 *
 * Functions that read what others wrote begin with a barrier and end with one, or write nothing that others read.
 */
export function tokenStages(sizes: TokenSizes): string {
  const { storage, modelDim, epsilon } = sizes;
  const { work, partial, scores } = workgroupMemory(sizes);
  const format = weightFormat(storage);
  const pairs = chunkPairs(storage);
  const chunks = turnChunks(storage);
  return wgsl`
const INVOCATIONS: u32 = ${TOKEN_INVOCATIONS}u;
const WIDTH: u32 = ${modelDim / 4}u;
const RESIDUAL: u32 = 0u;
const INPUT: u32 = WIDTH;
const BLOCK_LANES: u32 = ${BLOCK_LANES}u;
const TURN: u32 = ${chunks * BLOCK_LANES}u;

var<workgroup> work: array<vec4f, ${work}>;
var<workgroup> partial: array<vec4f, ${partial}>;
var<workgroup> scores: array<f32, ${scores}>;

${format.loadChunk}

fn multiply(local: u32, first_chunk: u32, groups: u32, turns: u32, slices: u32) {
  workgroupBarrier();
  for (var task = local; task < groups * slices; task += INVOCATIONS) {
    let group = task % groups;
    let base = first_chunk + (group / BLOCK_LANES) * turns * TURN + group % BLOCK_LANES;
    var sum = vec4f();
    for (var turn = task / groups; turn < turns; turn += slices) {
      let values = work[INPUT + turn];
      let first = base + turn * TURN;
${unroll(chunks, (chunk) => `      let chunk${chunk} = load_chunk(first + ${chunk * BLOCK_LANES}u);`)}
${unroll(4, (i) => `      sum += ${format.unpack(`chunk${Math.floor(i / pairs)}`, i % pairs)} * values[${i}];`)}
    }
    partial[task] = sum;
  }
  workgroupBarrier();
}

// The same for weights in floats, [channels][groups] from first on, without padding of the input channels.
fn multiply_narrow(local: u32, first: u32, groups: u32, channels: u32, slices: u32) {
  workgroupBarrier();
  for (var task = local; task < groups * slices; task += INVOCATIONS) {
    let group = task % groups;
    var sum = vec4f();
    for (var channel = task / groups; channel < channels; channel += slices) {
      sum += floats[first + channel * groups + group] * work[INPUT + channel / 4u][channel % 4u];
    }
    partial[task] = sum;
  }
  workgroupBarrier();
}

fn partial_sum(group: u32, groups: u32, slices: u32) -> vec4f {
  var sum = partial[group];
  for (var slice = 1u; slice < slices; slice++) {
    sum += partial[slice * groups + group];
  }
  return sum;
}

fn product(group: u32, groups: u32, slices: u32, first_row_group: u32) -> vec4f {
  let row_group = first_row_group + group;
  return partial_sum(group, groups, slices)${format.scaled ? ' * weight_scale[row_group]' : ''} + floats[row_group];
}

fn sum_of(values: vec4f) -> f32 {
  return (values.x + values.y) + (values.z + values.w);
}

// Every invocation that needs mean and variance adds up the whole token: cheaper than the barriers of a shared reduction.
// The width comes as data, not as WIDTH: lavapipe unrolls these loops otherwise and compiles for half a minute.
fn layer_norm(local: u32, width: u32, gamma: u32, keep: bool) {
  workgroupBarrier();
  var normalized = vec4f();
  if (local < WIDTH) {
    var sums = vec4f();
    for (var group = 0u; group < width; group++) {
      sums += work[RESIDUAL + group];
    }
    let mean = sum_of(sums) / ${f32(modelDim)};
    var squares = vec4f();
    for (var group = 0u; group < width; group++) {
      let d = work[RESIDUAL + group] - mean;
      squares += d * d;
    }
    let deviation = sqrt(sum_of(squares) / ${f32(modelDim)} + ${f32(epsilon)});
    normalized = (work[RESIDUAL + local] - mean) / deviation * floats[gamma + local] + floats[gamma + WIDTH + local];
  }
  workgroupBarrier();
  if (local < WIDTH) {
    work[INPUT + local] = normalized;
    if (keep) {
      work[RESIDUAL + local] = normalized;
    }
  }
}
`;
}

/** Partial sums per output: as many as there are invocations for. */
export function slicesOf(groups: number): number {
  return Math.max(1, Math.floor(TOKEN_INVOCATIONS / groups));
}
