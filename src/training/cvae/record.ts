import type { LatentDeviation } from '../../../kernels/backward/latent-rows.wgsl.js';
import type { DropoutPlan, DropoutSite } from '../../ops/backward/dropout.js';
import { recordDropped } from '../../ops/backward/dropped.js';
import { recordLatentBackward, recordLatentForward } from '../../ops/backward/latents.js';
import { recordReluBackward, recordReluForward } from '../../ops/backward/map-layers.js';
import { recordAddRows } from '../../ops/backward/pointwise.js';
import { LINEAR } from '../../ops/backward/rows-product.js';
import { recordSpreadRows } from '../../ops/backward/spread-rows.js';
import type { Binding } from '../../runtime/plan-builder.js';
import { newRows, probeRows, type Rows, rowChannels, rowsTensor } from '../../runtime/rows.js';
import { CONDITION_PROJECTION, type CvaeShape } from '../../spec/network-shapes.js';
import { type PassRecorder, recordLayer, recordLayerGradients, recordLayerInput } from '../unet/layers.js';
import { type CvaeLayer, cvaeLayers, widthOf } from './parameters.js';

/** What the passes of a CVAE are recorded with. */
export interface CvaeRecorder extends PassRecorder {
  readonly activation: CvaeShape['activation'];
  /** Undefined for a release that drops nothing. */
  readonly dropout: DropoutPlan | undefined;
}

/** Where the STEP release drops, in the order in which PyTorch draws: what each ReLU makes. BRIDGER's drops nothing. */
export function cvaeDropoutSites(shape: CvaeShape, batch: number): { readonly name: string; readonly elements: number }[] {
  if (shape.activation === 'elu') return [];
  const { encoder, decoder } = cvaeLayers(shape);
  const hidden = [...encoder.slice(0, -1), ...decoder.slice(0, -1)];
  return hidden.map(({ key }) => ({ name: `${key}.after_relu`, elements: batch * shape.hiddenDim }));
}

/** Kept of a list of layers: what each read, and what its activation made before dropout. */
interface LayersTape {
  readonly layers: readonly { readonly layer: CvaeLayer; readonly x: Rows; readonly activated: Rows | undefined }[];
  readonly y: Rows;
}

/** Kept of the network: both halves; the latent is made again. */
export interface CvaeTape {
  /** The frames, where they are projected. */
  readonly frames: Rows | undefined;
  readonly encoder: LayersTape;
  readonly latent: Parameters<typeof recordLatentForward>[1];
  readonly decoder: LayersTape;
  /** [b][1][horizon · actionDim]. */
  readonly output: Rows;
}

export interface CvaeInputs {
  /** [condition ; chunk], a row for each sample; of a projected condition the two that it is made of, see recordJoined. */
  readonly joined: Rows | { readonly frames: Rows; readonly chunk: Rows };
  /** ε, f32 [b][latentDim]. */
  readonly drawn: Binding;
}

/** Records chunk = decoder([condition ; latent]), latent ~ encoder([condition ; chunk]). Probes: `latent_heads`, `prediction`. */
export function recordCvaeForward(recorder: CvaeRecorder, shape: CvaeShape, { joined: given, drawn }: CvaeInputs): CvaeTape {
  const { builder } = recorder;
  const frames = 'frames' in given ? given.frames : undefined;
  const joined = 'frames' in given ? recordJoined(recorder, shape, given.frames, given.chunk) : given;
  const { conditionDim, latentDim, activation } = shape;
  const layers = cvaeLayers(shape);
  const encoder = recordLayers(recorder, layers.encoder, joined);
  probeRows(builder, 'latent_heads', encoder.y);
  const deviation: LatentDeviation = activation === 'elu' ? 'softplus' : 'exp';
  const input = newRows(builder, 'condition and latent', joined.batch, 1, conditionDim + latentDim);
  const latent = { deviation, source: joined, condition: conditionDim, heads: encoder.y, drawn, joined: input };
  recordLatentForward(builder, latent);
  const decoder = recordLayers(recorder, layers.decoder, input);
  probeRows(builder, 'prediction', decoder.y);
  return { frames, encoder, latent, decoder, output: decoder.y };
}

/**
 * Records the backward pass from the gradient of the output; the losses of the divergence lie behind those of all samples. `onFrames`: called
 * with the gradient of all frames, [b][1][frames …], where somebody learns from it.
 */
export function recordCvaeBackward(
  recorder: CvaeRecorder,
  tape: CvaeTape,
  doutput: Rows,
  weights: Binding,
  onFrames?: (dframes: Rows) => void,
): void {
  const { builder, scratch, losses, step } = recorder;
  const { joined, heads, source, condition } = tape.latent;
  const { frames } = tape;
  const djoined = scratch.take(joined.batch, 1, joined.channels);
  recordLayersBackward(recorder, tape.decoder, doutput, djoined);
  const dheads = scratch.take(heads.batch, 1, heads.channels);
  recordLatentBackward(builder, { ...tape.latent, weights, djoined, dheads, losses, firstLoss: joined.batch, step });
  const dsource = frames || onFrames ? scratch.take(source.batch, 1, source.channels) : undefined;
  recordLayersBackward(recorder, tape.encoder, dheads, dsource);
  scratch.giveBack(dheads);
  if (dsource) {
    // Both halves read the condition.
    const dcondition = scratch.take(source.batch, 1, condition);
    recordAddRows(builder, rowChannels(djoined, 0, condition), rowChannels(dsource, 0, condition), dcondition);
    if (frames) recordProjectionBackward(recorder, frames, dcondition, onFrames);
    else onFrames?.(dcondition);
    scratch.giveBack(dcondition);
    scratch.giveBack(dsource);
  }
  scratch.giveBack(djoined);
}

function recordProjectionBackward(
  recorder: CvaeRecorder,
  frames: Rows,
  dcondition: Rows,
  onFrames: ((dframes: Rows) => void) | undefined,
): void {
  const { scratch } = recorder;
  recordLayerGradients(recorder, CONDITION_PROJECTION, LINEAR, frames, dcondition);
  if (!onFrames) return;
  const dframes = scratch.take(frames.batch, 1, frames.channels);
  recordLayerInput(recorder, CONDITION_PROJECTION, { geometry: LINEAR, x: dcondition, y: dframes });
  onFrames(dframes);
  scratch.giveBack(dframes);
}

/** Records [obs_projection(frames) ; chunk]. The projection writes whole groups of four; the chunk comes behind it. */
function recordJoined(recorder: CvaeRecorder, { conditionDim }: CvaeShape, frames: Rows, chunk: Rows): Rows {
  const { builder } = recorder;
  const joined = newRows(builder, 'condition and chunk', frames.batch, 1, conditionDim + chunk.channels);
  recordLayer(recorder, CONDITION_PROJECTION, LINEAR, frames, rowChannels(joined, 0, conditionDim));
  recordSpreadRows(builder, chunk, joined, conditionDim);
  return joined;
}

function recordLayers(recorder: CvaeRecorder, layers: readonly CvaeLayer[], input: Rows): LayersTape {
  const { builder, activation } = recorder;
  const kept: LayersTape['layers'][number][] = [];
  let x = input;
  layers.forEach((layer, index) => {
    const fresh = (label: string): Rows => newRows(builder, `${layer.key} ${label}`, x.batch, 1, widthOf(layer));
    const linear = fresh('linear');
    recordLayer(recorder, layer.key, LINEAR, x, linear);
    const isLast = index === layers.length - 1;
    const activated = isLast ? undefined : fresh(activation);
    kept.push({ layer, x, activated });
    if (activated) recordReluForward(builder, linear, activated, activation);
    x = activated ? dropped(recorder, layer, activated, () => fresh('after dropout')) : linear;
  });
  return { layers: kept, y: x };
}

/** What is left of a layer after dropout, where there is any. */
function dropped(recorder: CvaeRecorder, layer: CvaeLayer, x: Rows, fresh: () => Rows): Rows {
  const { builder, dropout } = recorder;
  if (!dropout) return x;
  const y = fresh();
  recordDropped(builder, 'drop', { a: rowsTensor(x), out: rowsTensor(y), dropout, site: siteOf(dropout, layer) });
  return y;
}

/** Records the gradients of all layers from that of the last one's output, and that of what went in, in dx, where it is given. */
function recordLayersBackward(recorder: CvaeRecorder, { layers }: LayersTape, doutput: Rows, dx: Rows | undefined): void {
  const { builder, scratch, activation, dropout } = recorder;
  let dy = doutput;
  const like = (rows: Rows): Rows => scratch.take(rows.batch, rows.length, rows.channels);
  for (const [index, { layer, x, activated }] of [...layers.entries()].reverse()) {
    let dlinear = dy;
    if (activated) {
      let dactivated = dy;
      if (dropout) {
        dactivated = like(dy);
        recordDropped(builder, 'drop', { a: rowsTensor(dy), out: rowsTensor(dactivated), dropout, site: siteOf(dropout, layer) });
        scratch.giveBack(dy);
      }
      dlinear = like(dy);
      recordReluBackward(builder, activated, dactivated, dlinear, activation);
      scratch.giveBack(dactivated);
    }
    recordLayerGradients(recorder, layer.key, LINEAR, x, dlinear);
    const target = index === 0 ? dx : like(x);
    if (target) recordLayerInput(recorder, layer.key, { geometry: LINEAR, x: dlinear, y: target });
    if (activated) scratch.giveBack(dlinear);
    if (target && index > 0) dy = target;
  }
}

function siteOf({ sites }: DropoutPlan, { key }: CvaeLayer): DropoutSite {
  const site = sites.find(({ name }) => name === `${key}.after_relu`);
  if (!site) throw new TypeError(`the CVAE does not drop after "${key}"`);
  return site;
}
