import { activationFunctions } from '../lib/activations.wgsl.js';
import { declareBindings, type Kernel, type KernelBinding } from '../lib/kernel.js';
import { f32, wgsl } from '../lib/wgsl.js';
import { declareTokenProgram, headerWord, loadStage, stageFields, TOKEN_PROGRAM_TYPE } from './token-program.wgsl.js';
import { type TokenSizes, tokenStages, tokenWeightBindings } from './token-stages.wgsl.js';

/**
 * A layer of a transformer, or any other stretch of it that needs no other token but as keys and values: a workgroup owns
 * one token of one sample and takes it through the stages of `program` (token-program.wgsl.ts). The stages are data, not
 * text, because software drivers need minutes to compile all of them one after the other, and so that all layers share a
 * pipeline.
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
    { name: 'program', access: 'uniform', type: TOKEN_PROGRAM_TYPE },
    { name: 'x', access: 'read', type: 'array<vec4f>' },
    { name: 'rows', access: 'read', type: 'array<vec4f>' },
    { name: 'memory', access: 'read', type: 'array<vec4f>' },
    ...tokenWeightBindings(sizes.storage),
    { name: 'y', access: 'read_write', type: 'array<vec4f>' },
    { name: 'next_rows', access: 'read_write', type: 'array<f32>' },
  ];
  const code = wgsl`
${declareBindings(bindings)}
${declareTokenProgram}
${activationFunctions('gelu')}
${tokenStages(sizes)}

fn row_of_keys(is_memory: bool, index: u32) -> vec4f {
  if (is_memory) {
    return memory[index];
  }
  return rows[index];
}

fn attend(local: u32, batch: u32, is_memory: bool, keys: u32, row_width: u32, first_key: u32, first_value: u32) {
  let heads = ${headerWord('heads')};
  let head_width = ${headerWord('headWidth')};
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
  let row = batch * ${headerWord('tokens')} + workgroup.x;
  let x_row = batch * ${headerWord('inputTokens')} + workgroup.x;
  let out_channels = ${headerWord('outChannels')};
  let query_width = ${headerWord('rowWidth')};
  for (var group = local; group < WIDTH; group += INVOCATIONS) {
    let value = x[x_row * WIDTH + group];
    work[RESIDUAL + group] = value;
    if (query_width > 0u) {
      work[INPUT + group] = rows[x_row * query_width + group];
    } else {
      work[INPUT + group] = value;
    }
  }
  for (var s = 0u; s < ${headerWord('stages')}; s++) {
${loadStage('s', '    ')}
    if (stage_kind == STAGE_ATTENTION) {
${stageFields('attention', '      ')}
      attend(
        local, batch, attention_memory, attention_keys,
        attention_row_width, attention_first_key, attention_first_value,
      );
      continue;
    }
    if (stage_kind == STAGE_NORM) {
${stageFields('norm', '      ')}
      layer_norm(local, ${headerWord('width')}, norm_gamma, norm_keep);
      continue;
    }
${stageFields('linear', '    ')}
    let groups = linear_groups;
    let slices = linear_slices;
    if (linear_narrow) {
      multiply_narrow(local, linear_first, groups, linear_in_channels, slices);
    } else {
      multiply(local, linear_first, groups, linear_in_channels / 4u, slices);
    }
    for (var group = local; group < groups; group += INVOCATIONS) {
      var value: vec4f;
      if (linear_narrow) {
        value = partial_sum(group, groups, slices) + floats[linear_first + linear_in_channels * groups + group];
      } else {
        value = product(group, groups, slices, linear_first_row_group);
      }
      switch (linear_target) {
        case TARGET_INPUT: {
          work[INPUT + group] = value;
        }
        case TARGET_GELU: {
          work[INPUT + group] = gelu4(value);
        }
        case TARGET_RESIDUAL: {
          value += work[RESIDUAL + group];
          work[RESIDUAL + group] = value;
          work[INPUT + group] = value;
        }
        case TARGET_ROWS, default: {
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
