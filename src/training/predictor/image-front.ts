import { IMAGE_NETWORK_PREFIXES, TOKEN_PROJECTION } from '../../checkpoints/predictor/small-encoder-tensors.js';
import { LINEAR } from '../../ops/backward/rows-product.js';
import { newRows, type Rows } from '../../runtime/rows.js';
import type { PredictorShape, RawRows } from '../../spec/network-shapes.js';
import { ImageNetworkNames } from '../small-encoder/names.js';
import { addLinear, addSmallEncoderRequests, smallEncoderParameters } from '../small-encoder/parameters.js';
import type { PictureRows } from '../small-encoder/picture-rows.js';
import type { ParameterInfo } from '../training-step.js';
import { type PassRecorder, recordLayer, recordLayerGradients, recordLayerInput } from '../unet/layers.js';
import type { ParameterRequests } from '../unet/parameters.js';
import { predictorParameters } from './parameters.js';

/** Whether a layer makes observation tokens of rows; where these are as wide, they are the tokens. */
export function isProjected({ observationDim }: PredictorShape, { width }: RawRows): boolean {
  return width !== observationDim;
}

/** Parameters of what makes observation tokens of rows; none where these are as wide. */
function projectionParameters(shape: PredictorShape, rows: RawRows): ParameterInfo[] {
  const { observationDim } = shape;
  if (!isProjected(shape, rows)) return [];
  return [
    { name: `${TOKEN_PROJECTION}.weight`, shape: [observationDim, rows.width] },
    { name: `${TOKEN_PROJECTION}.bias`, shape: [observationDim] },
  ];
}

/** Adds what the encoder and the projection ask of the layout; returns their parameters. @throws OptionError */
export function addFrontRequests(requests: ParameterRequests, shape: PredictorShape, rows: RawRows): ParameterInfo[] {
  addSmallEncoderRequests(requests, rows.encoder);
  if (isProjected(shape, rows)) addLinear(requests, TOKEN_PROJECTION, rows.width, shape.observationDim);
  return [...smallEncoderParameters(rows.encoder), ...projectionParameters(shape, rows)];
}

/** Names and parameters of an image predictor, as its file has them (docs/predictor-format.md). */
export function imagePredictorNames(shape: PredictorShape, rows: RawRows): ImageNetworkNames {
  const network = [...predictorParameters(shape), ...projectionParameters(shape, rows)];
  return new ImageNetworkNames(rows.encoder, IMAGE_NETWORK_PREFIXES.transformer, network);
}

/** What makes observation tokens of pictures and vectors. */
export interface Front {
  /** [b][To][observationDim]. */
  readonly tokens: Rows;
  /** Records the backward pass from their gradient, scratch rows that it gives back. */
  recordBackward(dtokens: Rows): void;
}

/** Records tokens = obs_proj(rows), or the rows themselves where they are as wide. Kept: the rows. */
export function recordFront(recorder: PassRecorder, shape: PredictorShape, raw: RawRows, pictures: PictureRows, uploaded: Rows): Front {
  const { builder, scratch } = recorder;
  const tape = pictures.record(recorder, uploaded);
  const { rows } = tape;
  if (!isProjected(shape, raw)) {
    return {
      tokens: rows,
      recordBackward: (drows) => {
        pictures.recordBackward(recorder, tape, drows);
        scratch.giveBack(drows);
      },
    };
  }
  const tokens = newRows(builder, 'observation tokens', rows.batch, rows.length, shape.observationDim);
  recordLayer(recorder, TOKEN_PROJECTION, LINEAR, rows, tokens);
  return {
    tokens,
    recordBackward: (dtokens) => {
      recordLayerGradients(recorder, TOKEN_PROJECTION, LINEAR, rows, dtokens);
      const drows = scratch.take(rows.batch, rows.length, rows.channels);
      recordLayerInput(recorder, TOKEN_PROJECTION, { geometry: LINEAR, x: dtokens, y: drows });
      scratch.giveBack(dtokens);
      pictures.recordBackward(recorder, tape, drows);
      scratch.giveBack(drows);
    },
  };
}
