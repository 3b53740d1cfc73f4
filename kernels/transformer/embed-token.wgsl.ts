import {
  type ActivationLayout,
  at,
  declareBindings,
  declareShape,
  type Kernel,
  type KernelBinding,
  SHAPE_BINDING,
  shapeWords,
} from '../lib/kernel.js';
import { wgsl } from '../lib/wgsl.js';
import { slicesOf, type TokenSizes, tokenStages, tokenWeightBindings } from './token-stages.wgsl.js';

export interface EmbedTokenParameters extends TokenSizes {
  readonly actionDim: number;
  readonly observationDim: number;
  readonly historySteps: number;
  readonly observationSteps: number;
}

/** The kernel's `shape`. */
export function embedTokenShape(modelDim: number, history: ActivationLayout, observations: ActivationLayout): number[] {
  return shapeWords([modelDim / 4], [history, observations]);
}

/**
 * Tokens of the history and of the observations, and what the attention of the first encoder layer reads of them:
 *
 *     y = embed(value) + position;   qkv = in_proj(norm1(y))
 *
 * Bindings: shape · history, observations f32 by layout · weights of in_proj in chunks · floats: bias of in_proj, gamma and beta of
 * norm1, embeddings [actionDim][modelDim/4] and [observationDim][modelDim/4], and for each token position plus bias of its
 * embedding · y array<vec4f> [b][tokens][modelDim] · qkv array<vec4f> [b][tokens][3 · modelDim].
 * A workgroup owns one token of one sample (token-stages.wgsl.ts).
 */
export function embedTokenKernel(p: EmbedTokenParameters): Kernel {
  const { modelDim, actionDim, observationDim, historySteps, observationSteps } = p;
  const width = modelDim / 4;
  const gamma = 3 * width;
  const embeddings = gamma + 2 * width;
  const positions = embeddings + (actionDim + observationDim) * width;
  const slices = slicesOf(width);
  const bindings: KernelBinding[] = [
    SHAPE_BINDING,
    { name: 'history', access: 'read', type: 'array<f32>' },
    { name: 'observations', access: 'read', type: 'array<f32>' },
    ...tokenWeightBindings(p.storage),
    { name: 'y', access: 'read_write', type: 'array<vec4f>' },
    { name: 'qkv', access: 'read_write', type: 'array<vec4f>' },
  ];
  const code = wgsl`
${declareShape(['width'], ['history', 'observations'])}
${declareBindings(bindings)}
${tokenStages(p)}

// 0 past the last channel, where work[INPUT …] is padded.
fn value_of(token: u32, batch: u32, channel: u32) -> f32 {
  if (token < ${historySteps}u) {
    return select(0.0f, history[${at('history', 'batch', `min(channel, ${actionDim - 1}u)`, 'token')}], channel < ${actionDim}u);
  }
  let step = token - ${historySteps}u;
  return select(0.0f, observations[${at('observations', 'batch', `min(channel, ${observationDim - 1}u)`, 'step')}], channel < ${observationDim}u);
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) workgroup: vec3u) {
  let token = workgroup.x;
  let batch = workgroup.z;
  let row = batch * ${historySteps + observationSteps}u + token;
  let is_history = token < ${historySteps}u;
  let channels = select(${observationDim}u, ${actionDim}u, is_history);
  let embedding = select(${embeddings + actionDim * width}u, ${embeddings}u, is_history);
  for (var group = local; group * 4u < channels; group += INVOCATIONS) {
    let first = group * 4u;
    work[INPUT + group] = vec4f(${[0, 1, 2, 3].map((i) => `value_of(token, batch, first + ${i}u)`).join(', ')});
  }
  multiply_narrow(local, embedding, WIDTH, channels, ${slices}u);
  for (var group = local; group < WIDTH; group += INVOCATIONS) {
    let value = partial_sum(group, WIDTH, ${slices}u) + floats[${positions}u + token * WIDTH + group];
    work[RESIDUAL + group] = value;
    y[row * WIDTH + group] = value;
  }
  layer_norm(local, shape.width, ${gamma}u, false);
  multiply(local, 0u, 3u * WIDTH, WIDTH, ${slicesOf(3 * width)}u);
  for (var group = local; group < 3u * WIDTH; group += INVOCATIONS) {
    qkv[row * 3u * WIDTH + group] = product(group, 3u * WIDTH, ${slicesOf(3 * width)}u, 0u);
  }
}
`;
  return { label: `embed_token ${historySteps}+${observationSteps}x${modelDim} ${p.storage}`, code, bindings };
}
