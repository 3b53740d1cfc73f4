import type { DroppedFunction } from '../../../kernels/backward/dropped.wgsl.js';
import { type DropoutPlan, type DropoutSite, planDropout } from '../../ops/backward/dropout.js';
import { recordDropped } from '../../ops/backward/dropped.js';
import { LINEAR } from '../../ops/backward/rows-product.js';
import { type AttentionTape, recordAttentionBackward, recordAttentionForward } from '../../ops/backward/trained-attention.js';
import { type LayerNormTape, recordLayerNormBackward, recordLayerNormForward } from '../../ops/backward/trained-layer-norm.js';
import { newRows, probeRows, type Rows, rowChannels, rowsTensor } from '../../runtime/rows.js';
import { type PassRecorder, recordLayer, recordLayerGradients, recordLayerInput } from '../unet/layers.js';

/** What the passes of the predictor are recorded with. */
export interface PredictorRecorder extends PassRecorder {
  readonly heads: number;
  readonly dropout: DropoutPlan;
  readonly sites: ReadonlyMap<string, DropoutSite>;
}

/** A recorder that can drop at these sites. */
export function predictorRecorder(
  pass: PassRecorder,
  heads: number,
  sites: readonly { readonly name: string; readonly elements: number }[],
): PredictorRecorder {
  const dropout = planDropout(pass.builder, sites);
  return { ...pass, heads, dropout, sites: new Map(dropout.sites.map((site) => [site.name, site])) };
}

function siteOf({ sites }: PredictorRecorder, name: string): DropoutSite {
  const site = sites.get(name);
  if (!site) throw new TypeError(`the predictor does not drop at "${name}"`);
  return site;
}

/** Records a function that drops at a site, see dropped.wgsl.ts. */
export function recordDrop(
  recorder: PredictorRecorder,
  name: DroppedFunction,
  site: string,
  call: { readonly a: Rows; readonly b?: Rows; readonly out: Rows },
): void {
  const { builder, dropout } = recorder;
  const { a, b, out } = call;
  const operands = { a: rowsTensor(a), b: b && rowsTensor(b), out: rowsTensor(out) };
  recordDropped(builder, name, { ...operands, dropout, site: siteOf(recorder, site) });
}

/** Records y = layer_norm(x) with the parameters `key`. */
export function recordNorm(
  { builder, parameters }: PassRecorder,
  key: string,
  x: Rows,
): { readonly tape: LayerNormTape; readonly y: Rows } {
  const y = newRows(builder, key, x.batch, x.length, x.channels);
  const tape = recordLayerNormForward(builder, key, { x: rowsTensor(x), affine: parameters.vectors(key), y: rowsTensor(y) });
  return { tape, y };
}

/** Records its backward pass: dx, plus `added`. */
export function recordNormGradient(
  { builder, step }: PassRecorder,
  key: string,
  tape: LayerNormTape,
  dy: Rows,
  dx: Rows,
  added?: Rows,
): void {
  recordLayerNormBackward(builder, key, tape, { dy: rowsTensor(dy), dx: rowsTensor(dx), added: added && rowsTensor(added), step });
}

/** Kept of an attention: projections of what went in, and what the heads made. */
export interface AttentionBlockTape {
  readonly key: string;
  readonly heads: Rows;
  readonly attention: AttentionTape;
  /** Shape of q, k and v in their buffers. */
  readonly q: Rows;
  readonly k: Rows;
  readonly v: Rows;
}

/** Records out_proj(attention(q, k, v)), and hands out the result in scratch rows: dropout comes next, and nothing else reads them. */
export function recordHeads(
  recorder: PredictorRecorder,
  key: string,
  { q, k, v }: Pick<AttentionBlockTape, 'q' | 'k' | 'v'>,
): { readonly tape: AttentionBlockTape; readonly out: Rows } {
  const { builder, dropout, scratch } = recorder;
  const heads = newRows(builder, `${key} heads`, q.batch, q.length, q.channels);
  const attention = recordAttentionForward(builder, key, {
    heads: recorder.heads,
    q: rowsTensor(q),
    k: rowsTensor(k),
    v: rowsTensor(v),
    y: rowsTensor(heads),
    dropout,
    site: siteOf(recorder, `${key}.probabilities`),
  });
  const out = scratch.take(q.batch, q.length, q.channels);
  recordLayer(recorder, `${key}.out_proj`, LINEAR, heads, out);
  probeRows(builder, `activation.${key}`, out);
  return { tape: { key, heads, attention, q, k, v }, out };
}

/** Records its backward pass from the gradient of what came out: those of q, k and v. */
export function recordHeadsGradient(
  recorder: PredictorRecorder,
  { key, heads, attention }: AttentionBlockTape,
  dout: Rows,
  { dq, dk, dv }: { readonly dq: Rows; readonly dk: Rows; readonly dv: Rows },
): void {
  const { builder, scratch } = recorder;
  probeRows(builder, `grad_activation.${key}`, dout);
  recordLayerGradients(recorder, `${key}.out_proj`, LINEAR, heads, dout);
  const dheads = scratch.take(heads.batch, heads.length, heads.channels);
  recordLayerInput(recorder, `${key}.out_proj`, { geometry: LINEAR, x: dout, y: dheads });
  recordAttentionBackward(builder, key, attention, { dy: rowsTensor(dheads), dq: rowsTensor(dq), dk: rowsTensor(dk), dv: rowsTensor(dv) });
  scratch.giveBack(dheads);
}

/** Channels of q, k and v where one product makes all three. */
function threeOf(rows: Rows): { readonly q: Rows; readonly k: Rows; readonly v: Rows } {
  const width = rows.channels / 3;
  return { q: rowChannels(rows, 0, width), k: rowChannels(rows, width, width), v: rowChannels(rows, 2 * width, width) };
}

/** Kept of a self-attention beside the heads: what went in. */
export interface SelfAttentionTape {
  readonly x: Rows;
  readonly block: AttentionBlockTape;
}

/** Records the self-attention `key` of x, without dropout and residual; the result is scratch. */
export function recordSelfAttention(
  recorder: PredictorRecorder,
  key: string,
  x: Rows,
): { readonly tape: SelfAttentionTape; readonly out: Rows } {
  const projected = newRows(recorder.builder, `${key} q, k, v`, x.batch, x.length, 3 * x.channels);
  recordLayer(recorder, `${key}.in_proj`, LINEAR, x, projected);
  const { tape, out } = recordHeads(recorder, key, threeOf(projected));
  return { tape: { x, block: tape }, out };
}

/** Records its backward pass: dx, plus `added`. */
export function recordSelfAttentionGradient(
  recorder: PredictorRecorder,
  tape: SelfAttentionTape,
  dout: Rows,
  dx: Rows,
  added?: Rows,
): void {
  const { scratch } = recorder;
  const { x, block } = tape;
  const projected = scratch.take(x.batch, x.length, 3 * x.channels);
  const { q, k, v } = threeOf(projected);
  recordHeadsGradient(recorder, block, dout, { dq: q, dk: k, dv: v });
  const key = `${block.key}.in_proj`;
  recordLayerGradients(recorder, key, LINEAR, x, projected);
  recordLayerInput(recorder, key, { geometry: LINEAR, x: projected, y: dx, addend: added });
  scratch.giveBack(projected);
}

/** Names of a feedforward block's parts. */
export interface FeedforwardNames {
  readonly expand: string;
  readonly contract: string;
  /** Site of dropout behind GELU. */
  readonly afterGelu: string;
}

/** Kept of a feedforward block: what went in, what GELU read, and what it made. */
export interface FeedforwardTape {
  readonly names: FeedforwardNames;
  readonly x: Rows;
  readonly hidden: Rows;
  readonly activated: Rows;
}

/** Records contract(dropout(gelu(expand(x)))); the result is scratch. */
export function recordFeedforward(
  recorder: PredictorRecorder,
  names: FeedforwardNames,
  x: Rows,
): { readonly tape: FeedforwardTape; readonly out: Rows } {
  const { builder, parameters, scratch } = recorder;
  const width = parameters.matrix(names.expand).outChannels;
  const hidden = newRows(builder, names.expand, x.batch, x.length, width);
  recordLayer(recorder, names.expand, LINEAR, x, hidden);
  const activated = newRows(builder, names.afterGelu, x.batch, x.length, width);
  recordDrop(recorder, 'gelu', names.afterGelu, { a: hidden, out: activated });
  const out = scratch.take(x.batch, x.length, x.channels);
  recordLayer(recorder, names.contract, LINEAR, activated, out);
  return { tape: { names, x, hidden, activated }, out };
}

/** Records its backward pass: dx, plus `added`. */
export function recordFeedforwardGradient(recorder: PredictorRecorder, tape: FeedforwardTape, dout: Rows, dx: Rows, added?: Rows): void {
  const { scratch } = recorder;
  const { names, x, hidden, activated } = tape;
  recordLayerGradients(recorder, names.contract, LINEAR, activated, dout);
  const dactivated = scratch.take(hidden.batch, hidden.length, hidden.channels);
  recordLayerInput(recorder, names.contract, { geometry: LINEAR, x: dout, y: dactivated });
  const dhidden = scratch.take(hidden.batch, hidden.length, hidden.channels);
  recordDrop(recorder, 'gelu gradient', names.afterGelu, { a: hidden, b: dactivated, out: dhidden });
  scratch.giveBack(dactivated);
  recordLayerGradients(recorder, names.expand, LINEAR, x, dhidden);
  recordLayerInput(recorder, names.expand, { geometry: LINEAR, x: dhidden, y: dx, addend: added });
  scratch.giveBack(dhidden);
}
