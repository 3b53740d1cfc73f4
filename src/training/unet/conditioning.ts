import { recordMishBackward, recordMishForward } from '../../ops/backward/pointwise.js';
import { LINEAR } from '../../ops/backward/rows-product.js';
import { newRows, probeRows, type Rows } from '../../runtime/rows.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import { type PassRecorder, recordLayer, recordLayerGradients, recordLayerInput } from './layers.js';
import { ENCODER_LAYERS, FILM, filmOffsets } from './parameters.js';

/** Kept of the conditioning: all of it; it is a row of each for a sample. */
export interface ConditioningTape {
  readonly sinusoids: Rows;
  readonly hidden: Rows;
  readonly activated: Rows;
  /** [b][levels][stepEmbedDim]. */
  readonly embedding: Rows;
  readonly conditioning: Rows;
  readonly joined: Rows;
  /** FiLM values of all blocks, a row for each sample, and their gradients. */
  readonly film: Rows;
  readonly dfilm: Rows;
}

/**
 * Records film = W mish([step embedding, conditioning]) + b for all blocks; the embedding is linear, Mish, linear of sinusoids. Where a sample has
 * several levels, they go through the encoder as places, and their embeddings lie side by side.
 */
export function recordConditioning(recorder: PassRecorder, shape: UnetShape, sinusoids: Rows, conditioning: Rows): ConditioningTape {
  const { builder } = recorder;
  const { batch } = conditioning;
  const { stepEmbedDim, conditioningDim } = shape;
  const levels = sinusoids.length;
  const row = (label: string, channels: number, length = 1): Rows => newRows(builder, label, batch, length, channels);
  const { rowLength } = filmOffsets(shape);
  const tape: ConditioningTape = {
    sinusoids,
    hidden: row('step hidden', 4 * stepEmbedDim, levels),
    activated: row('step activated', 4 * stepEmbedDim, levels),
    embedding: row('step embedding', stepEmbedDim, levels),
    conditioning,
    joined: row('conditions', levels * stepEmbedDim + conditioningDim),
    film: row('film', rowLength),
    dfilm: row('film gradients', rowLength),
  };
  recordLayer(recorder, ENCODER_LAYERS[0], LINEAR, sinusoids, tape.hidden);
  recordMishForward(builder, tape.hidden, undefined, tape.activated);
  recordLayer(recorder, ENCODER_LAYERS[1], LINEAR, tape.activated, tape.embedding);
  probeRows(builder, 'activation.diffusion_step_encoder', tape.embedding);
  recordMishForward(builder, sideBySide(tape.embedding), conditioning, tape.joined);
  recordLayer(recorder, FILM, LINEAR, tape.joined, tape.film);
  return tape;
}

/** Records its backward pass once all blocks left their gradients in dfilm; returns the gradient of the conditioning vectors. */
export function recordConditioningBackward(recorder: PassRecorder, tape: ConditioningTape): Rows {
  const { builder } = recorder;
  const { sinusoids, hidden, activated, embedding, conditioning, joined, dfilm } = tape;
  const like = (label: string, { batch, length, channels }: Rows): Rows => newRows(builder, label, batch, length, channels);
  recordLayerGradients(recorder, FILM, LINEAR, joined, dfilm);
  const djoined = like('condition gradients', joined);
  recordLayerInput(recorder, FILM, { geometry: LINEAR, x: dfilm, y: djoined });
  const dembedding = like('step embedding gradients', embedding);
  const dconditioning = like('conditioning gradients', conditioning);
  const both = { value: sideBySide(embedding), gradient: sideBySide(dembedding) };
  recordMishBackward(builder, djoined, both, { value: conditioning, gradient: dconditioning });
  probeRows(builder, 'grad_activation.diffusion_step_encoder', dembedding);
  probeRows(builder, 'grad_global_cond', dconditioning);
  recordLayerGradients(recorder, ENCODER_LAYERS[1], LINEAR, activated, dembedding);
  const dactivated = like('step activated gradients', activated);
  recordLayerInput(recorder, ENCODER_LAYERS[1], { geometry: LINEAR, x: dembedding, y: dactivated });
  const dhidden = like('step hidden gradients', hidden);
  recordMishBackward(builder, dactivated, { value: hidden, gradient: dhidden });
  recordLayerGradients(recorder, ENCODER_LAYERS[0], LINEAR, sinusoids, dhidden);
  return dconditioning;
}

/** Places of a sample as one row: they follow each other without a gap, their widths are multiples of four. */
function sideBySide(rows: Rows): Rows {
  if (rows.length === 1) return rows;
  if (rows.stride !== rows.channels) throw new TypeError('conditioning: several embeddings need a width that is a multiple of 4');
  return { ...rows, length: 1, channels: rows.length * rows.channels, stride: rows.length * rows.stride };
}
