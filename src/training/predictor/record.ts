import { recordPlaceTokens } from '../../ops/backward/place-tokens.js';
import { LINEAR } from '../../ops/backward/rows-product.js';
import type { LayerNormTape } from '../../ops/backward/trained-layer-norm.js';
import { recordVectorGradient } from '../../ops/backward/weight-gradient.js';
import type { BufferHandle } from '../../runtime/plan-builder.js';
import { newRows, probeRows, type Rows, rowChannels, rowsTensor } from '../../runtime/rows.js';
import { type Tensor, timeRange } from '../../runtime/tensor.js';
import type { PredictorShape } from '../../spec/network-shapes.js';
import { recordLayer, recordLayerGradients, recordLayerInput } from '../unet/layers.js';
import { type PredictorRecorder, recordNorm, recordNormGradient } from './blocks.js';
import { type DecoderLayerTape, type MemoryRows, recordDecoderLayer, recordDecoderLayerGradient } from './decoder-layer.js';
import { type EncoderLayerTape, recordEncoderLayer, recordEncoderLayerGradient } from './encoder-layer.js';
import { decoderLayerName, encoderLayerName, MEMORY, QUERIES } from './parameters.js';

/** What goes into the predictor. */
export interface PredictorInputs {
  /** [b][historySteps][actionDim]: the end of the previous chunk. */
  readonly history: Rows;
  /** [b][observationSteps][observationDim]. */
  readonly observations: Rows;
  /** Position tables, f32 [rows][modelDim]: for history and queries, and for observations. */
  readonly actionPositions: BufferHandle;
  readonly observationPositions: BufferHandle;
}

/** What the backward pass needs of the forward pass. Norms, GELU and softmax are computed once; their results are kept. */
export interface PredictorTape {
  readonly shape: PredictorShape;
  readonly inputs: PredictorInputs;
  readonly encoder: readonly EncoderLayerTape[];
  readonly memory: Rows;
  readonly decoder: readonly DecoderLayerTape[];
  readonly outNorm: LayerNormTape;
  readonly normalized: Rows;
  readonly output: Rows;
}

/** The two embeddings, and where their tokens lie in the memory. */
function embeddings(
  { historySteps }: PredictorShape,
  { history, observations, actionPositions, observationPositions }: PredictorInputs,
): { readonly key: string; readonly x: Rows; readonly positions: BufferHandle; readonly first: number }[] {
  return [
    { key: 'prev_action_embed', x: history, positions: actionPositions, first: 0 },
    { key: 'obs_embed', x: observations, positions: observationPositions, first: historySteps },
  ];
}

/** Records the forward pass of the STEP predictor. */
export function recordPredictorForward(recorder: PredictorRecorder, shape: PredictorShape, inputs: PredictorInputs): PredictorTape {
  const { builder } = recorder;
  const { modelDim: d, horizon, historySteps, observationSteps } = shape;
  const { batch } = inputs.history;
  let memory = newRows(builder, 'memory tokens', batch, historySteps + observationSteps, d);
  for (const { key, x, positions, first } of embeddings(shape, inputs)) {
    const embedded = recorder.scratch.take(batch, x.length, d);
    recordLayer(recorder, key, LINEAR, x, embedded);
    probeRows(builder, `activation.${key}`, embedded);
    const y = timeRange(rowsTensor(memory), first, x.length);
    recordPlaceTokens(builder, { x: rowsTensor(embedded), rows: { buffer: positions }, y });
    recorder.scratch.giveBack(embedded);
  }
  const encoder: EncoderLayerTape[] = [];
  for (let i = 0; i < shape.encoderLayers; i++) {
    const { tape, y } = recordEncoderLayer(recorder, encoderLayerName(i), memory);
    encoder.push(tape);
    memory = y;
  }
  const keysAndValues = newRows(builder, 'keys and values of the memory', batch, memory.length, 2 * d * shape.decoderLayers);
  recordLayer(recorder, MEMORY, LINEAR, memory, keysAndValues);

  let x = newRows(builder, 'queries', batch, horizon, d);
  recordPlaceTokens(builder, { x: queryTensor(recorder, shape, batch), rows: { buffer: inputs.actionPositions }, y: rowsTensor(x) });
  const decoder: DecoderLayerTape[] = [];
  for (let i = 0; i < shape.decoderLayers; i++) {
    const { tape, y } = recordDecoderLayer(recorder, decoderLayerName(i), x, memoryOf(keysAndValues, i, d));
    decoder.push(tape);
    x = y;
  }
  const norm = recordNorm(recorder, 'output_norm', x);
  probeRows(builder, 'activation.output_norm', norm.y);
  const output = newRows(builder, 'output', batch, horizon, shape.actionDim);
  recordLayer(recorder, 'output_proj', LINEAR, norm.y, output);
  probeRows(builder, 'activation.output_proj', output);
  return { shape, inputs, encoder, memory, decoder, outNorm: norm.tape, normalized: norm.y, output };
}

/** Records the backward pass from the gradient of the output; to that of the observations, where rows are given for it. */
export function recordPredictorBackward(recorder: PredictorRecorder, tape: PredictorTape, doutput: Rows, dobservations?: Rows): void {
  const { builder, parameters, scratch, step } = recorder;
  const { shape, normalized, memory } = tape;
  const { modelDim: d } = shape;
  const like = (rows: Rows): Rows => scratch.take(rows.batch, rows.length, rows.channels);
  probeRows(builder, 'grad_activation.output_proj', doutput);
  recordLayerGradients(recorder, 'output_proj', LINEAR, normalized, doutput);
  const dnormalized = like(normalized);
  recordLayerInput(recorder, 'output_proj', { geometry: LINEAR, x: doutput, y: dnormalized });
  probeRows(builder, 'grad_activation.output_norm', dnormalized);
  let dx = like(normalized);
  recordNormGradient(recorder, 'output_norm', tape.outNorm, dnormalized, dx);
  scratch.giveBack(dnormalized);

  const dkeysAndValues = scratch.take(memory.batch, memory.length, 2 * d * shape.decoderLayers);
  for (const [i, layer] of [...tape.decoder.entries()].reverse()) {
    const dnext = like(normalized);
    recordDecoderLayerGradient(recorder, layer, dx, dnext, memoryOf(dkeysAndValues, i, d));
    scratch.giveBack(dx);
    dx = dnext;
  }
  const samples: Rows = { ...dx, length: 1, channels: dx.length * d, stride: dx.length * d };
  recordVectorGradient(builder, parameters.vectors(QUERIES), 0, samples, step);
  scratch.giveBack(dx);

  recordLayerGradients(recorder, MEMORY, LINEAR, memory, dkeysAndValues);
  let dmemory = like(memory);
  recordLayerInput(recorder, MEMORY, { geometry: LINEAR, x: dkeysAndValues, y: dmemory });
  scratch.giveBack(dkeysAndValues);
  for (const layer of [...tape.encoder].reverse()) {
    const dnext = like(memory);
    recordEncoderLayerGradient(recorder, layer, dmemory, dnext);
    scratch.giveBack(dmemory);
    dmemory = dnext;
  }
  for (const { key, x, first } of embeddings(shape, tape.inputs)) {
    const dembedded = scratch.take(x.batch, x.length, d);
    recordPlaceTokens(builder, { x: timeRange(rowsTensor(dmemory), first, x.length), y: rowsTensor(dembedded) });
    probeRows(builder, `grad_activation.${key}`, dembedded);
    recordLayerGradients(recorder, key, LINEAR, x, dembedded);
    if (dobservations && x === tape.inputs.observations) {
      recordLayerInput(recorder, key, { geometry: LINEAR, x: dembedded, y: dobservations });
    }
    scratch.giveBack(dembedded);
  }
  scratch.giveBack(dmemory);
}

/** Keys and values of decoder layer `index`. */
function memoryOf(rows: Rows, index: number, d: number): MemoryRows {
  return { k: rowChannels(rows, 2 * index * d, d), v: rowChannels(rows, (2 * index + 1) * d, d) };
}

/** The learned queries, the same ones for every sample. */
function queryTensor({ parameters }: PredictorRecorder, { horizon, modelDim: d }: PredictorShape, batch: number): Tensor {
  const { buffer, offset = 0 } = parameters.vectors(QUERIES).weight;
  return { buffer, layout: { offset: offset / 4, batchStride: 0, channelStride: 1, timeStride: d }, batch, channels: d, length: horizon };
}
