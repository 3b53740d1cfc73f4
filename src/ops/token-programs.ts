import { stackLinears, type LinearShape } from '../../kernels/linear-stack.js';
import type { LinearTarget, TokenProgram, TokenStage } from '../../kernels/token-layer.wgsl.js';
import { slicesOf, type TokenSizes } from '../../kernels/token-stages.wgsl.js';

/** Programs of token-layer.wgsl.ts. Weights are packed (token-weights.ts) in the order in which a program uses them. */

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
    { kind: 'attention', memory: false, keys: tokens, rowWidth: (3 * d) / 4, firstKey: d / 4, firstValue: d / 2 },
    linear(d, d, 'residual'),
    { kind: 'norm', keep: false },
    linear(d, feedforwardDim, 'gelu'),
    linear(feedforwardDim, d, 'residual'),
    ...(nextNorm ? [{ kind: 'norm', keep: false } as const] : []),
    linear(d, nextDim, 'rows'),
  ];
  return { tokens, broadcast: false, startsWithRows: true, outChannels: nextDim, stages: place(sizes, stages) };
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
 * layer begins behind norm1: up to there it sees no input.
 */
export function decoderProgram(sizes: TokenSizes, p: DecoderProgram): TokenProgram {
  const d = sizes.modelDim;
  const { tokens, memoryTokens, feedforwardDim, layer, layers, actionDim } = p;
  const isLast = layer === layers - 1;
  const outChannels = isLast ? actionDim : 3 * d;
  const firstKey = (layer * 2 * d) / 4;
  const self: readonly StageDraft[] = [
    { kind: 'attention', memory: false, keys: tokens, rowWidth: (3 * d) / 4, firstKey: d / 4, firstValue: d / 2 },
    linear(d, d, 'residual'),
    { kind: 'norm', keep: true },
  ];
  const stages: readonly StageDraft[] = [
    ...(layer > 0 ? self : []),
    linear(d, d, 'input'),
    { kind: 'attention', memory: true, keys: memoryTokens, rowWidth: (layers * 2 * d) / 4, firstKey, firstValue: firstKey + d / 4 },
    linear(d, d, 'residual'),
    { kind: 'norm', keep: true },
    linear(d, feedforwardDim, 'gelu'),
    linear(feedforwardDim, d, 'residual'),
    { kind: 'norm', keep: true },
    ...(isLast ? [{ kind: 'norm', keep: false } as const] : []),
    { ...linear(d, outChannels, 'rows'), narrow: isLast },
  ];
  return { tokens, broadcast: layer === 0, startsWithRows: layer > 0, outChannels, stages: place(sizes, stages) };
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
