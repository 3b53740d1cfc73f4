import { activationFunctions } from '../lib/activations.wgsl.js';
import { declareBindings, type Kernel, type KernelBinding } from '../lib/kernel.js';
import { f32, wgsl } from '../lib/wgsl.js';
import { type TokenSizes, tokenStages, tokenWeightBindings } from './token-stages.wgsl.js';

/** Stages of the longest program: a decoder layer. */
const MAX_STAGES = 12;

/** Where the attention of a token finds keys and values: the rows of its own sequence, or those of the memory. */
export interface AttentionStage {
  readonly kind: 'attention';
  readonly memory: boolean;
  readonly keys: number;
  /** vec4s of a row, and where in it the keys and values begin. */
  readonly rowWidth: number;
  readonly firstKey: number;
  readonly firstValue: number;
}

export interface NormStage {
  readonly kind: 'norm';
  /** First vec4 of gamma in `floats`; beta follows. */
  readonly gamma: number;
  /** Whether the residual stream is normalised as well (post-norm). */
  readonly keep: boolean;
}

/**
 * What becomes of the outputs: the next stage's input, as they are or through GELU; a summand of the residual stream, which
 * is then the input as well; or what the next dispatch reads.
 */
export type LinearTarget = 'input' | 'gelu' | 'residual' | 'rows';
const TARGETS: readonly LinearTarget[] = ['input', 'gelu', 'residual', 'rows'];

export interface LinearStage {
  readonly kind: 'linear';
  /** Narrow layers read f32 weights from `floats`, and their bias behind them. */
  readonly narrow: boolean;
  /** Chunk of the stack, or vec4 of `floats`. */
  readonly first: number;
  /** Groups of four outputs. */
  readonly groups: number;
  readonly inChannels: number;
  readonly slices: number;
  /** Of scales and biases in the stack. */
  readonly firstRowGroup: number;
  readonly target: LinearTarget;
}

export type TokenStage = AttentionStage | NormStage | LinearStage;

export interface TokenProgram {
  readonly tokens: number;
  /** Whether x and rows are the same for every sample. */
  readonly broadcast: boolean;
  /** f32 values in a row of `rows`, which begins with the first stage's input: a query. 0 where x is that input. */
  readonly rowChannels: number;
  /** f32 values of a row that the last stage writes. */
  readonly outChannels: number;
  readonly stages: readonly TokenStage[];
}

/** The words of the kernel's `program`: two vec4u of sizes, then two per stage. */
export function tokenProgramWords({ modelDim, heads }: TokenSizes, program: TokenProgram): number[] {
  const { tokens, broadcast, rowChannels, outChannels, stages } = program;
  if (stages.length > MAX_STAGES) throw new TypeError(`a token program has at most ${MAX_STAGES} stages, not ${stages.length}`);
  const shape = [tokens, broadcast ? 0 : tokens, outChannels, heads, modelDim / 4, modelDim / heads / 4, rowChannels / 4, stages.length];
  const words = [...shape, ...stages.flatMap(stageWords)];
  return [...words, ...new Array<number>(8 + 8 * MAX_STAGES - words.length).fill(0)];
}

function stageWords(stage: TokenStage): number[] {
  switch (stage.kind) {
    case 'attention':
      return [0, Number(stage.memory), stage.keys, stage.rowWidth, stage.firstKey, stage.firstValue, 0, 0];
    case 'norm':
      return [1, Number(stage.keep), stage.gamma, 0, 0, 0, 0, 0];
    case 'linear':
      return [
        stage.narrow ? 3 : 2,
        TARGETS.indexOf(stage.target),
        stage.first,
        stage.groups,
        stage.inChannels,
        stage.slices,
        stage.firstRowGroup,
        0,
      ];
    default:
      return stage satisfies never;
  }
}

/**
 * A layer of a transformer, or any other stretch of it that needs no other token but as keys and values: a workgroup owns
 * one token of one sample and takes it through the stages of `program`. The stages are data, not text, because software
 * drivers need minutes to compile all of them one after the other, and so that all layers share a pipeline.
 *
 *     attention   input = softmax(input · keyᵀ / √headDim) · value            per head (Vaswani et al. 2017)
 *     norm        input = layer_norm(residual)                                or residual and input
 *     linear      input, gelu(input), residual and input += , or next_rows = weight · input + bias
 *
 * Bindings: program · x, y array<vec4f> [b][tokens][modelDim], the residual stream before and after · rows array<vec4f>
 * [b][tokens][rowChannels], q, k and v or q alone · memory array<vec4f> [b][keys][…] · weights of a stack (linear-stack.ts) · floats
 * array<vec4f>, biases of the stack and what stages refer to · next_rows f32 [b][tokens][outChannels].
 */
export function tokenLayerKernel(sizes: TokenSizes): Kernel {
  const { modelDim, heads } = sizes;
  const bindings: KernelBinding[] = [
    { name: 'program', access: 'uniform', type: `array<vec4u, ${2 + 2 * MAX_STAGES}>` },
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    { name: 'rows', access: 'read', type: 'array<vec4f>' },
    { name: 'memory', access: 'read', type: 'array<vec4f>' },
    ...tokenWeightBindings(sizes.storage),
    { name: 'y', access: 'read_write', type: 'array<vec4f>' },
    { name: 'next_rows', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareBindings(bindings)}
${activationFunctions('gelu')}
${tokenStages(sizes)}

fn row_of_keys(is_memory: bool, index: u32) -> vec4f {
  if (is_memory) {
    return memory[index];
  }
  return rows[index];
}

fn attend(local: u32, batch: u32, is_memory: bool, keys: u32, row_width: u32, first_key: u32, first_value: u32) {
  let heads = program[0].w;
  let head_width = program[1].y;
  workgroupBarrier();
  for (var task = local; task < heads * keys; task += INVOCATIONS) {
    let first = task / keys * head_width;
    let row = (batch * keys + task % keys) * row_width + first_key;
    var sums = vec4f();
    for (var c = first; c < first + head_width; c++) {
      sums += work[INPUT + c] * row_of_keys(is_memory, row + c);
    }
    scores[task] = sum_of(sums) * ${f32(1 / Math.sqrt(modelDim / heads))};
  }
  workgroupBarrier();
  for (var group = local; group < WIDTH; group += INVOCATIONS) {
    let head = group / head_width * keys;
    // Subtracting the maximum keeps every exponential at most 1.
    var highest = scores[head];
    for (var key = 1u; key < keys; key++) {
      highest = max(highest, scores[head + key]);
    }
    var total = 0.0f;
    var mixed = vec4f();
    for (var key = 0u; key < keys; key++) {
      let share = exp(scores[head + key] - highest);
      total += share;
      mixed += share * row_of_keys(is_memory, (batch * keys + key) * row_width + first_value + group);
    }
    work[INPUT + group] = mixed / total;
  }
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let batch = workgroup.z;
  let row = batch * program[0].x + workgroup.x;
  let x_row = batch * program[0].y + workgroup.x;
  let out_channels = program[0].z;
  for (var group = local; group < WIDTH; group += INVOCATIONS) {
    let value = x[x_row * WIDTH + group];
    work[RESIDUAL + group] = value;
    if (program[1].z > 0u) {
      work[INPUT + group] = rows[x_row * program[1].z + group];
    } else {
      work[INPUT + group] = value;
    }
  }
  for (var s = 0u; s < program[1].w; s++) {
    let stage = program[2u + 2u * s];
    let more = program[3u + 2u * s];
    if (stage.x == 0u) {
      attend(local, batch, stage.y == 1u, stage.z, stage.w, more.x, more.y);
      continue;
    }
    if (stage.x == 1u) {
      layer_norm(local, program[1].x, stage.z, stage.y == 1u);
      continue;
    }
    let groups = stage.w;
    let slices = more.y;
    let is_narrow = stage.x == 3u;
    if (is_narrow) {
      multiply_narrow(local, stage.z, groups, more.x, slices);
    } else {
      multiply(local, stage.z, groups, more.x / 4u, slices);
    }
    for (var group = local; group < groups; group += INVOCATIONS) {
      var value: vec4f;
      if (is_narrow) {
        value = partial_sum(group, groups, slices) + floats[stage.z + more.x * groups + group];
      } else {
        value = product(group, groups, slices, more.z);
      }
      switch (stage.y) {
        case 0u: {
          work[INPUT + group] = value;
        }
        case 1u: {
          work[INPUT + group] = gelu4(value);
        }
        case 2u: {
          value += work[RESIDUAL + group];
          work[RESIDUAL + group] = value;
          work[INPUT + group] = value;
        }
        default: {
          for (var i = 0u; i < min(4u, out_channels - group * 4u); i++) {
            next_rows[row * out_channels + group * 4u + i] = value[i];
          }
        }
      }
    }
  }
  for (var group = local; group < WIDTH; group += INVOCATIONS) {
    y[row * WIDTH + group] = work[RESIDUAL + group];
  }
}
`;
  return { label: `token_layer ${modelDim} in ${heads} heads ${sizes.storage}`, code, bindings };
}
