import type { LayerNormTape } from '../../ops/backward/trained-layer-norm.js';
import { newRows, probeRows, type Rows } from '../../runtime/rows.js';
import {
  type FeedforwardNames,
  type FeedforwardTape,
  type PredictorRecorder,
  recordDrop,
  recordFeedforward,
  recordFeedforwardGradient,
  recordNorm,
  recordNormGradient,
  recordSelfAttention,
  recordSelfAttentionGradient,
  type SelfAttentionTape,
} from './blocks.js';

export interface EncoderLayerTape {
  readonly key: string;
  readonly norm1: LayerNormTape;
  readonly attention: SelfAttentionTape;
  readonly norm2: LayerNormTape;
  readonly feedforward: FeedforwardTape;
}

function feedforwardNames(key: string): FeedforwardNames {
  return { expand: `${key}.linear1`, contract: `${key}.linear2`, afterGelu: `${key}.after_gelu` };
}

/** Records a pre-norm layer: h = x + dropout(attention(norm1(x))), y = h + dropout(feedforward(norm2(h))). */
export function recordEncoderLayer(
  recorder: PredictorRecorder,
  key: string,
  x: Rows,
): { readonly tape: EncoderLayerTape; readonly y: Rows } {
  const { builder, scratch } = recorder;
  const norm1 = recordNorm(recorder, `${key}.norm1`, x);
  const attention = recordSelfAttention(recorder, `${key}.self_attn`, norm1.y);
  const h = newRows(builder, `${key} attended`, x.batch, x.length, x.channels);
  recordDrop(recorder, 'drop and add', `${key}.after_attention`, { a: attention.out, b: x, out: h });
  scratch.giveBack(attention.out);
  const norm2 = recordNorm(recorder, `${key}.norm2`, h);
  const feedforward = recordFeedforward(recorder, feedforwardNames(key), norm2.y);
  const y = newRows(builder, key, x.batch, x.length, x.channels);
  recordDrop(recorder, 'drop and add', `${key}.after_linear2`, { a: feedforward.out, b: h, out: y });
  scratch.giveBack(feedforward.out);
  probeRows(builder, `activation.${key}`, y);
  return { tape: { key, norm1: norm1.tape, attention: attention.tape, norm2: norm2.tape, feedforward: feedforward.tape }, y };
}

/** Records its backward pass from the gradient of y to that of x. */
export function recordEncoderLayerGradient(recorder: PredictorRecorder, tape: EncoderLayerTape, dy: Rows, dx: Rows): void {
  const { builder, scratch } = recorder;
  const { key } = tape;
  const fresh = (): Rows => scratch.take(dy.batch, dy.length, dy.channels);
  probeRows(builder, `grad_activation.${key}`, dy);
  const dropped = fresh();
  const dnorm = fresh();
  const dh = fresh();
  recordDrop(recorder, 'drop', `${key}.after_linear2`, { a: dy, out: dropped });
  recordFeedforwardGradient(recorder, tape.feedforward, dropped, dnorm);
  recordNormGradient(recorder, `${key}.norm2`, tape.norm2, dnorm, dh, dy);
  recordDrop(recorder, 'drop', `${key}.after_attention`, { a: dh, out: dropped });
  recordSelfAttentionGradient(recorder, tape.attention, dropped, dnorm);
  recordNormGradient(recorder, `${key}.norm1`, tape.norm1, dnorm, dx, dh);
  for (const rows of [dropped, dnorm, dh]) scratch.giveBack(rows);
}
