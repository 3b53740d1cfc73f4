import { type LinearShape, stackLinears } from '../../kernels/lib/linear-stack.js';
import type { LinearTarget, TokenProgram, TokenStage } from '../../kernels/transformer/token-program.wgsl.js';
import { slicesOf, type TokenSizes } from '../../kernels/transformer/token-stages.wgsl.js';

/** Programs (token-program.wgsl.ts) of token-layer.wgsl.ts. Weights are packed (token-weights.ts) in the order in which a program uses them. */

export interface EncoderProgram {
  readonly tokens: number;
  readonly feedforwardDim: number;
  /** Width of the product that begins what follows: q, k and v of the next layer, or keys and values of all decoder layers. */
  readonly nextDim: number;
  /** Whether the next layer's norm comes before it. */
  readonly nextNorm: boolean;
}

/** An encoder layer (pre-norm) from its attention on: x += out(attention), x += contract(gelu(expand(norm2(x)))), next(norm1(x)). */
export function encoderProgram(sizes: TokenSizes, { tokens, feedforwardDim, nextDim, nextNorm }: EncoderProgram): TokenProgram {
  const d = sizes.modelDim;
  const stages: readonly StageDraft[] = [
    selfAttention(d, tokens),
    linear(d, d, 'residual'),
    { kind: 'norm', keep: false },
    linear(d, feedforwardDim, 'gelu'),
    linear(feedforwardDim, d, 'residual'),
    ...(nextNorm ? [{ kind: 'norm', keep: false } as const] : []),
    linear(d, nextDim, 'rows'),
  ];
  return { tokens, broadcast: false, rowChannels: 3 * d, outChannels: nextDim, stages: place(sizes, stages) };
}

export interface DecoderProgram {
  readonly tokens: number;
  readonly memoryTokens: number;
  readonly feedforwardDim: number;
  readonly layer: number;
  readonly layers: number;
  readonly actionDim: number;
}

/**
 * A decoder layer (post-norm) from its self-attention on: x = norm1(x + attention), x = norm2(x + cross-attention),
 * x = norm3(x + feedforward), then q, k and v of the next layer; in the last one output(output_norm(x)) instead. The first
 * layer begins with its cross-attention: what comes before sees no input (`decoderStartProgram`).
 */
export function decoderProgram(sizes: TokenSizes, p: DecoderProgram): TokenProgram {
  const d = sizes.modelDim;
  const { tokens, memoryTokens, feedforwardDim, layer, layers, actionDim } = p;
  const isLast = layer === layers - 1;
  const outChannels = isLast ? actionDim : 3 * d;
  const firstKey = (layer * 2 * d) / 4;
  const stages: readonly StageDraft[] = [
    ...(layer > 0 ? [...decoderSelf(d, tokens), linear(d, d, 'input')] : []),
    { kind: 'attention', memory: true, keys: memoryTokens, rowWidth: (layers * 2 * d) / 4, firstKey, firstValue: firstKey + d / 4 },
    linear(d, d, 'residual'),
    { kind: 'norm', keep: true },
    linear(d, feedforwardDim, 'gelu'),
    linear(feedforwardDim, d, 'residual'),
    { kind: 'norm', keep: true },
    ...(isLast ? [{ kind: 'norm', keep: false } as const] : []),
    { ...linear(d, outChannels, 'rows'), narrow: isLast },
  ];
  return { tokens, broadcast: layer === 0, rowChannels: layer > 0 ? 3 * d : d, outChannels, stages: place(sizes, stages) };
}

/** A single product, q, k and v for an attention that follows. */
export function projectionProgram(sizes: TokenSizes, tokens: number, outChannels: number): TokenProgram {
  const stages = place(sizes, [linear(sizes.modelDim, outChannels, 'rows')]);
  return { tokens, broadcast: false, rowChannels: 0, outChannels, stages };
}

/** A decoder layer from its self-attention to the query of its cross-attention. */
export function decoderStartProgram(sizes: TokenSizes, tokens: number): TokenProgram {
  const d = sizes.modelDim;
  const stages = place(sizes, [...decoderSelf(d, tokens), linear(d, d, 'rows')]);
  return { tokens, broadcast: false, rowChannels: 3 * d, outChannels: d, stages };
}

function decoderSelf(d: number, tokens: number): StageDraft[] {
  return [selfAttention(d, tokens), linear(d, d, 'residual'), { kind: 'norm', keep: true }];
}

/** Over rows of q, k and v. */
function selfAttention(d: number, tokens: number): Extract<StageDraft, { kind: 'attention' }> {
  return { kind: 'attention', memory: false, keys: tokens, rowWidth: (3 * d) / 4, firstKey: d / 4, firstValue: d / 2 };
}

/** Stages whose places in the buffers are not known yet. */
type StageDraft =
  | Extract<TokenStage, { kind: 'attention' }>
  | { readonly kind: 'norm'; readonly keep: boolean }
  | ({ readonly kind: 'linear'; readonly narrow: boolean; readonly target: LinearTarget } & LinearShape);

function linear(inChannels: number, outChannels: number, target: LinearTarget): Extract<StageDraft, { kind: 'linear' }> {
  return { kind: 'linear', narrow: false, target, inChannels, outChannels };
}

/** Linear layers lie in the stack in the order of the program; in `floats` biases come first, then norms, then narrow layers. */
function place(sizes: TokenSizes, drafts: readonly StageDraft[]): TokenStage[] {
  const wide = drafts.filter((draft) => draft.kind === 'linear' && !draft.narrow) as LinearShape[];
  const stack = stackLinears(sizes.storage, wide)[Symbol.iterator]();
  let gamma = wide.reduce((sum, { outChannels }) => sum + outChannels / 4, 0);
  return drafts.map((draft): TokenStage => {
    switch (draft.kind) {
      case 'attention':
        return draft;
      case 'norm': {
        const stage = { ...draft, gamma };
        gamma += sizes.modelDim / 2;
        return stage;
      }
      case 'linear': {
        const { narrow, target, inChannels } = draft;
        const groups = Math.ceil(draft.outChannels / 4);
        // A narrow layer is the last stage: its weights lie behind all norms.
        const { firstChunk, firstRowGroup } = narrow ? { firstChunk: gamma, firstRowGroup: 0 } : stack.next().value!;
        return { kind: 'linear', narrow, target, first: firstChunk, groups, inChannels, slices: slicesOf(groups), firstRowGroup };
      }
      default:
        return draft satisfies never;
    }
  });
}
