import { type Maps, newMaps, recordMapInputGradient, recordMapProduct, recordMapWeightGradient } from '../../ops/backward/maps.js';
import { recordMeanPlaces, recordMeanPlacesGradient } from '../../ops/backward/mean-places.js';
import { LINEAR } from '../../ops/backward/rows-product.js';
import { recordVectorGradient } from '../../ops/backward/weight-gradient.js';
import { conv2dOutput } from '../../ops/conv2d.js';
import { newRows, probeRows, type Rows } from '../../runtime/rows.js';
import { type PassRecorder, recordLayer, recordLayerGradients, recordLayerInput } from '../unet/layers.js';
import { SMALL_ENCODER_HEAD, SMALL_ENCODER_WINDOW, smallConvolutions } from './parameters.js';

/**
 * Kept of the small encoder: what went into each convolution, which is what the ReLU before it made, what the last one made, and the mean of
 * that. Nothing is computed again: where a ReLU passes its gradient says what it made.
 */
export interface SmallEncoderTape {
  readonly layers: readonly { readonly key: string; readonly x: Maps; readonly y: Maps }[];
  readonly mean: Rows;
}

/**
 * Records features [b][1][features] = head(mean(relu(conv(… relu(conv(x)))))) of prepared pictures. Those of all cameras and frames are one batch,
 * so that their gradients are one sum.
 * Probes: `activation.net.{0, 2, 4, 6}` behind ReLU, `activation.mean`, `activation.head`.
 */
export function recordSmallEncoderForward(recorder: PassRecorder, x: Maps, features: Rows): SmallEncoderTape {
  const { builder, parameters } = recorder;
  const { batch } = x.rows;
  let map = x;
  const layers = smallConvolutions().map(({ key, outChannels }, index) => {
    const side = (of: number): number => conv2dOutput(SMALL_ENCODER_WINDOW, of);
    const y = newMaps(builder, key, { batch, channels: outChannels, height: side(map.height), width: side(map.width) });
    const layer = { key, x: map, y };
    const bias = { vectors: parameters.vectors(key), index: 0 };
    recordMapProduct(builder, { matrix: parameters.matrix(key), geometry: SMALL_ENCODER_WINDOW, x: map, y, bias, relu: true });
    probeRows(builder, `activation.net.${2 * index}`, y.rows);
    map = y;
    return layer;
  });
  const mean = newRows(builder, 'mean of the maps', batch, 1, map.rows.channels);
  recordMeanPlaces(builder, map.rows, mean);
  probeRows(builder, 'activation.mean', mean);
  recordLayer(recorder, SMALL_ENCODER_HEAD, LINEAR, mean, features);
  probeRows(builder, 'activation.head', features);
  return { layers, mean };
}

/** Records the backward pass from the gradient of the features to those of all parameters. Pictures have none. */
export function recordSmallEncoderBackward(recorder: PassRecorder, { layers, mean }: SmallEncoderTape, dfeatures: Rows): void {
  const { builder, parameters, scratch, step } = recorder;
  const like = (rows: Rows): Rows => scratch.take(rows.batch, rows.length, rows.channels);
  probeRows(builder, 'grad_activation.head', dfeatures);
  recordLayerGradients(recorder, SMALL_ENCODER_HEAD, LINEAR, mean, dfeatures);
  const dmean = like(mean);
  recordLayerInput(recorder, SMALL_ENCODER_HEAD, { geometry: LINEAR, x: dfeatures, y: dmean });
  const last = (layers.at(-1) as SmallEncoderTape['layers'][number]).y.rows;
  let dy = like(last);
  recordMeanPlacesGradient(builder, last, dmean, dy);
  scratch.giveBack(dmean);
  for (const [index, { key, x, y }] of [...layers.entries()].reverse()) {
    probeRows(builder, `grad_activation.net.${2 * index}`, dy);
    const matrix = parameters.matrix(key);
    const out: Maps = { ...y, rows: dy };
    recordMapWeightGradient(builder, { matrix, geometry: SMALL_ENCODER_WINDOW, x, dy: out, step });
    recordVectorGradient(builder, parameters.vectors(key), 0, dy, step);
    if (index > 0) {
      const dx = like(x.rows);
      const into: Maps = { ...x, rows: dx };
      recordMapInputGradient(builder, { matrix, geometry: SMALL_ENCODER_WINDOW, x: out, y: into, activated: x.rows });
      scratch.giveBack(dy);
      dy = dx;
    } else scratch.giveBack(dy);
  }
}
