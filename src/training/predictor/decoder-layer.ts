import { LINEAR } from '../../ops/backward/rows-product.js';
import type { LayerNormTape } from '../../ops/backward/trained-layer-norm.js';
import { newRows, probeRows, type Rows } from '../../runtime/rows.js';
import { recordLayer, recordLayerGradients, recordLayerInput } from '../unet/layers.js';
import {
  type AttentionBlockTape,
  type FeedforwardNames,
  type FeedforwardTape,
  type PredictorRecorder,
  recordDrop,
  recordFeedforward,
  recordFeedforwardGradient,
  recordHeads,
  recordHeadsGradient,
  recordNorm,
  recordNormGradient,
  recordSelfAttention,
  recordSelfAttentionGradient,
  type SelfAttentionTape,
} from './blocks.js';

export interface DecoderLayerTape {
  readonly key: string;
  readonly selfAttention: SelfAttentionTape;
  readonly norm1: LayerNormTape;
  /** What the queries of the cross-attention come from. */
  readonly attended: Rows;
  readonly crossAttention: AttentionBlockTape;
  readonly norm2: LayerNormTape;
  readonly feedforward: FeedforwardTape;
  readonly norm3: LayerNormTape;
}

/** Keys and values of the memory for one layer, or their gradients. */
export interface MemoryRows {
  readonly k: Rows;
  readonly v: Rows;
}

function feedforwardNames(key: string): FeedforwardNames {
  return { expand: `${key}.ffn.0`, contract: `${key}.ffn.3`, afterGelu: `${key}.after_gelu` };
}

/**
 * Records a post-norm layer: h = norm1(x + dropout(attention(x))), g = norm2(h + dropout(cross(h, memory))),
 * y = norm3(g + dropout(feedforward(g))).
 */
export function recordDecoderLayer(
  recorder: PredictorRecorder,
  key: string,
  x: Rows,
  memory: MemoryRows,
): { readonly tape: DecoderLayerTape; readonly y: Rows } {
  const { builder, scratch } = recorder;
  const add = (site: string, made: Rows, residual: Rows): Rows => {
    const sum = newRows(builder, `${key} ${site}`, x.batch, x.length, x.channels);
    recordDrop(recorder, 'drop and add', `${key}.${site}`, { a: made, b: residual, out: sum });
    scratch.giveBack(made);
    return sum;
  };
  const self = recordSelfAttention(recorder, `${key}.self_attn`, x);
  const norm1 = recordNorm(recorder, `${key}.norm1`, add('after_self_attention', self.out, x));
  const q = newRows(builder, `${key} queries`, x.batch, x.length, x.channels);
  recordLayer(recorder, `${key}.cross_attn.queries`, LINEAR, norm1.y, q);
  const cross = recordHeads(recorder, `${key}.cross_attn`, { q, ...memory });
  const norm2 = recordNorm(recorder, `${key}.norm2`, add('after_cross_attention', cross.out, norm1.y));
  const feedforward = recordFeedforward(recorder, feedforwardNames(key), norm2.y);
  const norm3 = recordNorm(recorder, `${key}.norm3`, add('after_ffn', feedforward.out, norm2.y));
  probeRows(builder, `activation.${key}`, norm3.y);
  const tape = {
    key,
    selfAttention: self.tape,
    norm1: norm1.tape,
    attended: norm1.y,
    crossAttention: cross.tape,
    norm2: norm2.tape,
    feedforward: feedforward.tape,
    norm3: norm3.tape,
  };
  return { tape, y: norm3.y };
}

/** Records its backward pass from the gradient of y to those of x and of the memory's keys and values. */
export function recordDecoderLayerGradient(
  recorder: PredictorRecorder,
  tape: DecoderLayerTape,
  dy: Rows,
  dx: Rows,
  dmemory: MemoryRows,
): void {
  const { builder, scratch } = recorder;
  const { key, attended, crossAttention } = tape;
  const fresh = (): Rows => scratch.take(dy.batch, dy.length, dy.channels);
  probeRows(builder, `grad_activation.${key}`, dy);
  const [dsum, dropped, dq] = [fresh(), fresh(), fresh()];
  const dhere = fresh();

  recordNormGradient(recorder, `${key}.norm3`, tape.norm3, dy, dsum);
  recordDrop(recorder, 'drop', `${key}.after_ffn`, { a: dsum, out: dropped });
  recordFeedforwardGradient(recorder, tape.feedforward, dropped, dhere, dsum);

  recordNormGradient(recorder, `${key}.norm2`, tape.norm2, dhere, dsum);
  recordDrop(recorder, 'drop', `${key}.after_cross_attention`, { a: dsum, out: dropped });
  recordHeadsGradient(recorder, crossAttention, dropped, { dq, dk: dmemory.k, dv: dmemory.v });
  const queries = `${key}.cross_attn.queries`;
  recordLayerGradients(recorder, queries, LINEAR, attended, dq);
  recordLayerInput(recorder, queries, { geometry: LINEAR, x: dq, y: dhere, addend: dsum });

  recordNormGradient(recorder, `${key}.norm1`, tape.norm1, dhere, dsum);
  recordDrop(recorder, 'drop', `${key}.after_self_attention`, { a: dsum, out: dropped });
  recordSelfAttentionGradient(recorder, tape.selfAttention, dropped, dx, dsum);
  for (const rows of [dsum, dropped, dq, dhere]) scratch.giveBack(rows);
}
