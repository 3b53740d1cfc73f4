import type { Kernel } from '../../kernels/lib/kernel.js';
import { type EmbedTokenParameters, embedTokenKernel, embedTokenShape } from '../../kernels/transformer/embed-token.wgsl.js';
import { tokenLayerKernel } from '../../kernels/transformer/token-layer.wgsl.js';
import { type TokenProgram, tokenProgramWords } from '../../kernels/transformer/token-program.wgsl.js';
import type { TokenSizes } from '../../kernels/transformer/token-stages.wgsl.js';
import type { Binding, PlanBuilder } from '../runtime/plan-builder.js';
import { asTokens, sameShape, type Tensor } from '../runtime/tensor.js';
import type { TokenWeights } from './token-weights.js';

export interface EmbedTokenCall {
  readonly history: Tensor;
  readonly observations: Tensor;
  /** Tokens, history first. */
  readonly y: Tensor;
  readonly qkv: Tensor;
}

/** Records y = embed(history | observations) + position and qkv = in_proj(norm(y)). */
export function recordEmbedToken(builder: PlanBuilder, weights: TokenWeights, p: EmbedTokenParameters, call: EmbedTokenCall): void {
  const { history, observations, y, qkv } = call;
  const { batch } = history;
  const length = p.historySteps + p.observationSteps;
  const fits = history.channels === p.actionDim && history.length === p.historySteps && observations.batch === batch;
  if (!fits || observations.channels !== p.observationDim || observations.length !== p.observationSteps) {
    throw new TypeError(
      `embed_token: expected ${p.historySteps} x ${p.actionDim} and ${p.observationSteps} x ${p.observationDim}, ` +
        `history is ${history.length} x ${history.channels}, observations are ${observations.length} x ${observations.channels}`,
    );
  }
  expectTokens(y, batch, length, p.modelDim);
  expectTokens(qkv, batch, length, 3 * p.modelDim);
  const shape = builder.shape(embedTokenShape(p.modelDim, history.layout, observations.layout));
  record(builder, embedTokenKernel(p), weights, [shape, ...buffers(history, observations)], buffers(y, qkv), y);
}

export interface TokenLayerCall {
  /** [b][tokens][modelDim]; where the program says so, one for all samples. */
  readonly x: Tensor;
  /** Queries, with keys and values or without, where the program begins with them. Broadcast like x. */
  readonly rows?: Tensor | undefined;
  /** Keys and values of another sequence, where the program attends to one. */
  readonly memory?: Tensor | undefined;
  readonly y: Tensor;
  /** What the last stage writes. */
  readonly nextRows: Tensor;
}

/** Records a program of token-layer.wgsl.ts. */
export function recordTokenLayer(
  builder: PlanBuilder,
  weights: TokenWeights,
  sizes: TokenSizes,
  program: TokenProgram,
  call: TokenLayerCall,
): void {
  const { x, rows, memory, y, nextRows } = call;
  const { tokens, stages } = program;
  const { modelDim } = sizes;
  const { batch } = y;
  const cross = stages.find((stage) => stage.kind === 'attention' && stage.memory);
  if ((rows !== undefined) !== program.rowChannels > 0 || (memory !== undefined) !== (cross !== undefined)) {
    throw new TypeError('token_layer: rows and memory are given where the program reads them, and only there');
  }
  expectTokens(x, program.broadcast ? 1 : batch, tokens, modelDim);
  expectTokens(y, batch, tokens, modelDim);
  expectTokens(nextRows, batch, tokens, program.outChannels);
  if (rows) expectTokens(rows, program.broadcast ? 1 : batch, tokens, program.rowChannels);
  if (memory && cross?.kind === 'attention') expectTokens(memory, batch, cross.keys, 4 * cross.rowWidth);
  // Bindings that the program does not use have to be there all the same.
  const read = buffers(x, rows ?? x, memory ?? x);
  record(builder, tokenLayerKernel(sizes), weights, [builder.shape(tokenProgramWords(sizes, program)), ...read], buffers(y, nextRows), y);
}

function record(
  builder: PlanBuilder,
  kernel: Kernel,
  { weight, weightScale, floats }: TokenWeights,
  read: readonly Binding[],
  written: readonly Binding[],
  tokens: Tensor,
): void {
  const weights = [weight, ...(weightScale ? [weightScale] : []), floats].map((buffer) => ({ buffer: builder.existing(buffer) }));
  builder.dispatch(kernel, [...read, ...weights, ...written], [tokens.length, 1, tokens.batch]);
}

function buffers(...tensors: readonly Tensor[]): Binding[] {
  return tensors.map(({ buffer }) => ({ buffer }));
}

/** Token kernels know no layouts: what they read and write of a sequence is [b][length][channels] from the start of a buffer. */
function expectTokens(tensor: Tensor, batch: number, length: number, channels: number): void {
  const expected = asTokens(tensor.buffer, batch, length, channels);
  const [found, wanted] = [tensor, expected].map(({ layout }) =>
    [layout.offset, layout.batchStride, layout.channelStride, layout.timeStride].join(),
  );
  if (!sameShape(tensor, expected) || found !== wanted) {
    throw new TypeError(
      `token kernels: expected ${batch} x ${length} tokens of ${channels} channels in "${tensor.buffer.label}", found ` +
        `${tensor.batch} x ${tensor.length} of ${tensor.channels}, or another layout`,
    );
  }
}
