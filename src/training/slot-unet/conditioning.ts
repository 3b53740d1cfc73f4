import { slotStages } from '../../networks/slot-unet/slot-stages.js';
import { recordMishBackward, recordMishForward } from '../../ops/backward/pointwise.js';
import { LINEAR, type TrainedGeometry } from '../../ops/backward/rows-product.js';
import { recordSpreadRows } from '../../ops/backward/spread-rows.js';
import type { TrainedFilm } from '../../ops/backward/trained-norm.js';
import { newRows, type Rows, rowChannels } from '../../runtime/rows.js';
import type { UnetShape } from '../../spec/network-shapes.js';
import { type PassRecorder, recordLayer, recordLayerGradients, recordLayerInput } from '../unet/layers.js';
import { ENCODER_LAYERS } from '../unet/parameters.js';
import { stageFilm } from './parameters.js';

/** A stage of the conditioning as the backward pass reads it. */
interface StageTape {
  /** What made the sequence out of that of the stage before; undefined for the first. */
  readonly resample: { readonly key: string; readonly geometry: TrainedGeometry } | undefined;
  readonly sequence: Rows;
  readonly activated: Rows;
  /** FiLM values of its blocks, a row for every place, and their gradients. */
  readonly film: Rows;
  readonly dfilm: Rows;
}

/** Kept of the conditioning: all of it. */
export interface SlotConditioningTape {
  readonly sinusoids: Rows;
  readonly hidden: Rows;
  readonly activated: Rows;
  readonly stages: readonly StageTape[];
  /** Where a residual block finds its FiLM values, by its name. */
  readonly films: ReadonlyMap<string, TrainedFilm>;
}

/**
 * Records the conditioning of every row of a chunk and what stages make of it: c = [encoder(sinusoids); observation], then from stage to stage by a
 * convolution; film = W mish(c) + b. sinusoids: [b][slots][stepEmbedDim]; observation: [b][1][conditioningDim].
 */
export function recordSlotConditioning(recorder: PassRecorder, shape: UnetShape, sinusoids: Rows, observation: Rows): SlotConditioningTape {
  const { builder } = recorder;
  const { batch, length: slots } = sinusoids;
  const { stepEmbedDim } = shape;
  const width = stepEmbedDim + shape.conditioningDim;
  const fresh = (label: string, length: number, channels: number): Rows => newRows(builder, label, batch, length, channels);
  const hidden = fresh('level hidden', slots, 4 * stepEmbedDim);
  const encoderActivated = fresh('level activated', slots, 4 * stepEmbedDim);
  recordLayer(recorder, ENCODER_LAYERS[0], LINEAR, sinusoids, hidden);
  recordMishForward(builder, hidden, undefined, encoderActivated);
  const stages: StageTape[] = [];
  const films = new Map<string, TrainedFilm>();
  const kind = shape.scaleModulation ? 'scale-bias' : 'bias';
  for (const [stage, { blocks, halvings, resample }] of slotStages(shape).entries()) {
    const length = slots / 2 ** halvings;
    const sequence = fresh(`conditioning of stage ${stage}`, length, width);
    const before = stages.at(-1)?.sequence;
    const geometry = { stride: 2, padding: 1, transposed: resample?.transposed ?? false };
    if (resample && before) {
      recordLayer(recorder, resample.name, geometry, before, sequence);
    } else {
      // The embedding writes whole groups of four: the observation comes behind it.
      recordLayer(recorder, ENCODER_LAYERS[1], LINEAR, encoderActivated, rowChannels(sequence, 0, stepEmbedDim));
      recordSpreadRows(builder, observation, sequence, stepEmbedDim);
    }
    const activated = fresh(`activated conditioning of stage ${stage}`, length, width);
    recordMishForward(builder, sequence, undefined, activated);
    const rowLength = blocks.reduce((sum, { rows }) => sum + rows, 0);
    const [film, dfilm] = [
      fresh(`film of stage ${stage}`, length, rowLength),
      fresh(`film gradients of stage ${stage}`, length, rowLength),
    ];
    recordLayer(recorder, stageFilm(stage), LINEAR, activated, film);
    let offset = 0;
    for (const { name, rows } of blocks) {
      films.set(name, { kind, rows: film, gradients: dfilm, offset });
      offset += rows;
    }
    stages.push({ resample: resample && { key: resample.name, geometry }, sequence, activated, film, dfilm });
  }
  return { sinusoids, hidden, activated: encoderActivated, stages, films };
}

/** Records its backward pass once all blocks left their gradients in dfilm. Nothing learns from the gradient of the observation. */
export function recordSlotConditioningBackward(recorder: PassRecorder, shape: UnetShape, tape: SlotConditioningTape): void {
  const { builder } = recorder;
  const like = (label: string, { batch, length, channels }: Rows): Rows => newRows(builder, label, batch, length, channels);
  // The gradient of the stage behind, by way of what made that one of this.
  let behind: { readonly resample: NonNullable<StageTape['resample']>; readonly dsequence: Rows } | undefined;
  for (const [index, { resample, sequence, activated, dfilm }] of [...tape.stages.entries()].reverse()) {
    recordLayerGradients(recorder, stageFilm(index), LINEAR, activated, dfilm);
    const dactivated = like(`activated conditioning gradients of stage ${index}`, activated);
    recordLayerInput(recorder, stageFilm(index), { geometry: LINEAR, x: dfilm, y: dactivated });
    const own = like(`conditioning gradients of stage ${index}, of FiLM`, sequence);
    recordMishBackward(builder, dactivated, { value: sequence, gradient: own });
    let dsequence = own;
    if (behind) {
      const { key, geometry } = behind.resample;
      dsequence = like(`conditioning gradients of stage ${index}`, sequence);
      recordLayerGradients(recorder, key, geometry, sequence, behind.dsequence);
      recordLayerInput(recorder, key, { geometry, x: behind.dsequence, y: dsequence, addend: own });
    }
    behind = resample && { resample, dsequence };
    if (!resample) recordEncoderBackward(recorder, tape, rowChannels(dsequence, 0, shape.stepEmbedDim));
  }
}

function recordEncoderBackward(recorder: PassRecorder, { sinusoids, hidden, activated }: SlotConditioningTape, dembedding: Rows): void {
  const { builder } = recorder;
  const like = (label: string): Rows => newRows(builder, label, hidden.batch, hidden.length, hidden.channels);
  recordLayerGradients(recorder, ENCODER_LAYERS[1], LINEAR, activated, dembedding);
  const dactivated = like('level activated gradients');
  recordLayerInput(recorder, ENCODER_LAYERS[1], { geometry: LINEAR, x: dembedding, y: dactivated });
  const dhidden = like('level hidden gradients');
  recordMishBackward(builder, dactivated, { value: hidden, gradient: dhidden });
  recordLayerGradients(recorder, ENCODER_LAYERS[0], LINEAR, sinusoids, dhidden);
}
