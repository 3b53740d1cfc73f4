import { activate, activationFunctions, type Activation } from './activations.wgsl.js';
import { convInput, type InputSpace, type InputVector } from './conv-input.wgsl.js';
import {
  at, declareBindings, declareShape, SHAPE_BINDING, shapeWords, type ActivationLayout, type Kernel, type KernelBinding,
} from './kernel.js';
import { tapMap, type ConvGeometry } from './taps.js';
import {
  blockChunks, BLOCK_LANES, chunkGroup, chunkPairs, weightFormat, type HalfLoads, type WeightPlace, type WeightStorage,
} from './weight-storage.wgsl.js';
import { unroll, wgsl } from './wgsl.js';

/** How the work is cut: constants of one variant, chosen by `ops/variants.ts`. */
export interface Conv1dTiling {
  /** Output columns per workgroup, kept in registers. */
  readonly columns: number;
  /** Groups of four output channels per workgroup: a multiple of BLOCK_LANES. */
  readonly lanes: number;
  /** Invocations that share one reduction over input channels. */
  readonly slices: number;
}

/** What the text of the kernel depends on; sizes come with `conv1dShape`. */
export interface Conv1dParameters {
  readonly geometry: ConvGeometry;
  readonly tiling: Conv1dTiling;
  readonly storage: WeightStorage;
  /** Default `packed`. */
  readonly halfLoads?: HalfLoads | undefined;
  /** Default `buffer`. */
  readonly place?: WeightPlace | undefined;
  /** Default `scalar`; see conv-input.wgsl.ts for what the others ask of layouts. */
  readonly inVector?: InputVector | undefined;
  /** Default `storage`. */
  readonly inSpace?: InputSpace | undefined;
  /** Whether the last group of input channels is not full (`conv1dShape` says so). */
  readonly ragged: boolean;
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

/** Input channels and chunks that one turn of the loop takes: a group, or four channels where these are loaded at once. */
export function turnOf(p: Pick<Conv1dParameters, 'storage' | 'inVector'>, kernelSize: number): { channels: number; chunks: number } {
  const group = chunkGroup(p.storage, kernelSize);
  const groups = p.inVector === 'channel' ? 4 / group.channels : 1;
  return { channels: group.channels * groups, chunks: group.chunks * groups };
}

/** The kernel's `shape`. */
export function conv1dShape(p: Conv1dParameters, sizes: Conv1dSizes): number[] {
  const { inChannels, outChannels, x, y, residual } = sizes;
  const { kernelSize } = p.geometry;
  const turns = Math.ceil(inChannels / turnOf(p, kernelSize).channels);
  const chunks = blockChunks(p.storage, kernelSize, inChannels);
  return shapeWords([inChannels, outChannels, Math.ceil(outChannels / 4), turns, chunks], [x, y, ...(residual ? [residual] : [])]);
}

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
 * `CHUNK` columns at a time, so that sums are the same in every run and for every batch size.
 */
export function conv1dKernel(p: Conv1dParameters): Kernel {
  const { columns, lanes, slices } = p.tiling;
  const { kernelSize, outLength } = p.geometry;
  const invocations = lanes * slices;
  const format = weightFormat(p.storage, p.halfLoads, p.place);
  const pairs = chunkPairs(p.storage);
  const turn = turnOf(p, kernelSize);
  const map = tapMap(p.geometry, columns);
  const input = convInput({
    vector: p.inVector ?? 'scalar',
    space: p.inSpace ?? 'storage',
    geometry: p.geometry,
    map,
    columns,
    channels: turn.channels,
    ragged: p.ragged,
    activation: p.inActivation,
  });
  const taps = map.taps.filter((tap) => input.inside(tap.window) && tap.column < outLength);
  const chunk = Math.max(1, Math.min(slices, columns, Math.floor(REDUCTION_VEC4S / invocations)));
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    input.binding,
    ...format.bindings,
    ...(p.bias ? [{ name: 'bias', access: 'read', type: 'array<f32>' } as const] : []),
    ...(p.residual ? [{ name: 'residual', access: 'read', type: 'array<f32>' } as const] : []),
    { name: 'y', access: 'read_write', type: 'array<f32>' },
  ];

  const product = (index: number, pair: number): string => {
    const position = index * pairs + pair;
    const channel = Math.floor(position / kernelSize);
    const uses = taps.filter((tap) => tap.tap === position % kernelSize);
    if (uses.length === 0) return '';
    const lines = uses.map(({ column, window }) => `        acc${column} += w * ${input.value(channel, window)};`);
    return `      {\n        let w = ${format.unpack('chunk', pair)};\n${lines.join('\n')}\n      }`;
  };
  const products = unroll(turn.chunks, (index) => `    {
      let chunk = load_chunk(base + ${index * BLOCK_LANES}u);
${unroll(pairs, (pair) => product(index, pair))}
    }`);

  const code = wgsl`${format.enable}
${declareShape(
    ['in_channels', 'out_channels', 'row_groups', 'turns', 'block_chunks'],
    ['x', 'y', ...(p.residual ? ['residual'] : [])],
  )}
${declareBindings(bindings)}

const OUT_LENGTH: u32 = ${outLength}u;
const COLUMNS: u32 = ${columns}u;
const LANES: u32 = ${lanes}u;
const SLICES: u32 = ${slices}u;
const INVOCATIONS: u32 = ${invocations}u;
const CHUNK: u32 = ${chunk}u;
const BLOCK_LANES: u32 = ${BLOCK_LANES}u;
const TURN_CHUNKS: u32 = ${turn.chunks}u;

${activationFunctions(p.inActivation, p.outActivation)}

${format.loadChunk}

fn finish(row_group: u32, row: u32, column: u32, batch: u32, products: f32) {
  let channel = row_group * 4u + row;
  if (channel < shape.out_channels) {
    let sum = products${format.scaled ? ' * weight_scale[channel]' : ''}${p.bias ? ' + bias[channel]' : ''};
    var value = ${activate(p.outActivation, 'sum')};
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
  let block = row_group / BLOCK_LANES;
  let first_chunk = block * shape.block_chunks * BLOCK_LANES + lane % BLOCK_LANES;
  let first = workgroup.y * COLUMNS;
  let batch = workgroup.z;
  let first_value = shape.x_offset + batch * shape.x_batch;
${input.prepare}
${unroll(columns, (column) => `  var acc${column} = vec4f();`)}

  // A loop of a single slice begins at a constant: a compiler may then see that all its invocations load the same input.
  for (var n = ${slices > 1 ? 'slice' : '0u'}; n < shape.turns; n += SLICES) {
    let base = first_chunk + n * TURN_CHUNKS * BLOCK_LANES;
${input.load}
${products}
  }

  let end = min(COLUMNS, OUT_LENGTH - first);
#if ${slices > 1}
  // The sums take turns in acc0: an array indexed by a variable would leave the registers.
  for (var chunk = 0u; chunk < end; chunk += CHUNK) {
    workgroupBarrier();
    for (var k = 0u; k < min(CHUNK, end - chunk); k++) {
      partial[k * INVOCATIONS + local] = acc0;
${unroll(columns - 1, (column) => `      acc${column} = acc${column + 1};`)}
    }
    workgroupBarrier();
    if (slice < min(CHUNK, end - chunk)) {
      var sum = partial[slice * INVOCATIONS + lane];
      for (var s = 1u; s < SLICES; s++) {
        sum += partial[slice * INVOCATIONS + s * LANES + lane];
      }
      for (var r = 0u; r < 4u; r++) {
        finish(row_group, r, first + chunk + slice, batch, sum[r]);
      }
    }
  }
#else
  // One loop with one store: the sums move on by one component a turn. Nested loops, an array indexed by a variable, or a
  // copy of the store per column take a software driver longer to compile than all the rest.
  for (var k = 0u; k < 4u * end; k++) {
    finish(row_group, k % 4u, first + k / 4u, batch, acc0.x);
${unroll(columns, (c) => `    acc${c} = vec4f(acc${c}.yzw, ${c + 1 < columns ? `acc${c + 1}.x` : '0.0f'});`)}
  }
#endif
}
`;
  const name = p.geometry.transposed ? 'conv_transpose1d' : kernelSize === 1 ? 'linear' : 'conv1d';
  const { inLength, stride } = p.geometry;
  const loads = [p.inVector ?? 'scalar', ...(p.inSpace === 'uniform' ? ['uniform'] : [])].join(' ');
  return {
    label: `${name} k${kernelSize} s${stride} ${inLength} -> ${outLength} ${columns}c ${lanes}x${slices} ${format.name}, ${loads}`,
    code,
    bindings,
  };
}

/** vec4s of workgroup memory for adding up slices: 16 KiB, the amount every WebGPU device grants. */
const REDUCTION_VEC4S = 1024;
