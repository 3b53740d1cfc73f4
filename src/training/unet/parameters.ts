import { unetTensorShapes } from '../../checkpoints/lerobot/unet-tensors.js';
import { OptionError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';
import type { FilmBlock } from '../../networks/unet/film.js';
import type { ResidualBlockShape } from '../../networks/unet/residual-block.js';
import { filmBlocks, residualBlockShapes } from '../../networks/unet/unet.js';
import { FINAL_GROUPS, type LevelEncoding, levelWidth, ONE_TIMESTEP, type UnetShape } from '../../spec/network-shapes.js';
import { type MatrixRequest, ParameterLayout, type TensorOrder, type VectorsRequest } from '../plan/parameter-layout.js';
import type { ParameterInfo, TrainingPrecision } from '../training-step.js';

/** What LeRobot's state dict calls the U-Net. */
export const UNET_PREFIX = 'diffusion.unet.';

/** Key of the FiLM projections of all blocks: one matrix, and one vector of biases. */
export const FILM = 'film';

/** Keys of the two layers that embed levels, whatever a state dict calls them. */
export const ENCODER_LAYERS = ['diffusion_step_encoder.1', 'diffusion_step_encoder.3'] as const;

/** What the tensors of a U-Net are called, and its keys in a layout that it shares with others. */
export interface UnetNaming {
  /** A tensor's name in the state dict, by LeRobot's name without prefix. */
  readonly tensorName: (name: string) => string;
  /** What its keys begin with, where it is not the only network there. Default: nothing. */
  readonly keys?: string;
}

const LEROBOT: UnetNaming = { tensorName: (name) => UNET_PREFIX + name };

/** Parameters of the U-Net in the order of LeRobot's state dict. */
export function unetParameters(shape: UnetShape, { tensorName }: UnetNaming = LEROBOT): ParameterInfo[] {
  return [...unetTensorShapes(shape)].map(([name, sizes]) => ({ name: tensorName(name), shape: sizes }));
}

/** First FiLM value of each block in a row of all of them, and the length of a row. */
export function filmOffsets(shape: UnetShape): { readonly offsets: ReadonlyMap<string, number>; readonly rowLength: number } {
  const offsets = new Map<string, number>();
  let rowLength = 0;
  for (const block of residualBlockShapes(shape)) {
    offsets.set(block.name, rowLength);
    rowLength += filmRows(shape, block);
  }
  return { offsets, rowLength };
}

function filmRows({ scaleModulation }: UnetShape, { outChannels }: ResidualBlockShape): number {
  return scaleModulation ? 2 * outChannels : outChannels;
}

/** What a U-Net that is to be trained asks of the layout of its parameters. */
export interface ParameterRequests {
  readonly matrices: MatrixRequest[];
  readonly vectors: VectorsRequest[];
}

/**
 * Matrices by the name of their layer. The biases of a convolution lie behind γ and β of the norm that follows it, under the
 * name of the norm's block: their gradients come from one kernel.
 * @throws OptionError for a network that cannot be trained.
 */
export function unetRequests(shape: UnetShape, naming: UnetNaming = LEROBOT): ParameterRequests {
  const requests = blockRequests(shape, naming);
  addProjections(requests, naming, FILM, levelWidth(shape) + shape.conditioningDim, filmBlocks(shape));
  return requests;
}

/** FiLM projections of these blocks: one matrix, and one vector of biases, under `key`. */
export function addProjections(
  requests: ParameterRequests,
  { tensorName, keys = '' }: UnetNaming,
  key: string,
  inChannels: number,
  blocks: readonly FilmBlock[],
): void {
  const named = blocks.map(({ name, rows }) => ({ name: `${name}.cond_encoder.1`, rows }));
  requests.matrices.push({
    key: keys + key,
    taps: 1,
    inChannels,
    tensors: named.map(({ name, rows }) => ({ name: tensorName(`${name}.weight`), outChannels: rows, order: 'out-in' })),
  });
  requests.vectors.push({
    key: keys + key,
    channels: named.reduce((sum, { rows }) => sum + rows, 0),
    vectors: [named.map(({ name, rows }) => ({ name: tensorName(`${name}.bias`), channels: rows }))],
  });
}

/** All parameters but the projections of FiLM. @throws OptionError for a network that cannot be trained. */
export function blockRequests(shape: UnetShape, { tensorName, keys = '' }: UnetNaming): ParameterRequests {
  const { levels = ONE_TIMESTEP } = shape;
  checkTrainable(shape, levels);
  const requests: ParameterRequests = { matrices: [], vectors: [] };
  const { actionDim, downDims, kernelSize, stepEmbedDim } = shape;
  const matrix = (key: string, taps: number, inChannels: number, outChannels: number, order: TensorOrder, name = key): void => {
    requests.matrices.push({ key: keys + key, taps, inChannels, tensors: [{ name: tensorName(`${name}.weight`), outChannels, order }] });
  };
  const vector = (name: string, channels: number): { name: string; channels: number }[] => [{ name: tensorName(name), channels }];
  const layer = (key: string, taps: number, inChannels: number, outChannels: number, order: TensorOrder, name = key): void => {
    matrix(key, taps, inChannels, outChannels, order, name);
    requests.vectors.push({ key: keys + key, channels: outChannels, vectors: [vector(`${name}.bias`, outChannels)] });
  };
  const convBlock = (key: string, inChannels: number, channels: number): void => {
    matrix(`${key}.block.0`, kernelSize, inChannels, channels, 'out-in-tap');
    const names = ['block.1.weight', 'block.1.bias', 'block.0.bias'];
    requests.vectors.push({ key: keys + key, channels, vectors: names.map((name) => vector(`${key}.${name}`, channels)) });
  };

  const [first, second] = levels.layers.map((index) => `diffusion_step_encoder.${index}`) as [string, string];
  layer(ENCODER_LAYERS[0], 1, levels.joined * stepEmbedDim, 4 * stepEmbedDim, 'out-in', first);
  layer(ENCODER_LAYERS[1], 1, 4 * stepEmbedDim, stepEmbedDim, 'out-in', second);
  const blocks = residualBlockShapes(shape);
  for (const { name, inChannels, outChannels } of blocks) {
    convBlock(`${name}.conv1`, inChannels, outChannels);
    convBlock(`${name}.conv2`, outChannels, outChannels);
    if (inChannels !== outChannels) layer(`${name}.residual_conv`, 1, inChannels, outChannels, 'out-in-tap');
  }
  const last = downDims.length - 1;
  for (let level = 0; level < last; level++) {
    const width = downDims[level] as number;
    layer(`down_modules.${level}.2`, 3, width, width, 'out-in-tap');
    layer(`up_modules.${last - 1 - level}.2`, 4, width, width, 'in-out-tap');
  }
  const width = downDims[0] as number;
  convBlock('final_conv.0', width, width);
  layer('final_conv.1', 1, width, actionDim, 'out-in-tap');
  return requests;
}

function checkTrainable({ downDims, groups, horizon, kernelSize, stepEmbedDim }: UnetShape, levels: LevelEncoding): void {
  const fail = (key: string, expected: string, found: unknown): never => {
    throw new OptionError(`${key}: training needs ${expected}, found ${shownValue(found)}.`);
  };
  for (const width of downDims) {
    if (width % 4 !== 0) fail('down_dims', 'levels of a multiple of 4 channels', width);
    if (width % groups !== 0) fail('down_dims', `levels of a multiple of n_groups = ${groups} channels`, width);
  }
  const [first] = downDims;
  if (first === undefined || first % FINAL_GROUPS !== 0) {
    fail('down_dims', `a first level of a multiple of ${FINAL_GROUPS} channels, the groups of the last norm`, first);
  }
  const halved = 2 ** (downDims.length - 1);
  if (horizon % halved !== 0) fail('horizon', `a multiple of ${halved}, as often as it is halved`, horizon);
  if (kernelSize % 2 !== 1) fail('kernel_size', 'an odd number', kernelSize);
  if (stepEmbedDim % 2 !== 0 || stepEmbedDim < 4) fail('diffusion_step_embed_dim', 'an even number from 4 on', stepEmbedDim);
  // Embeddings of a sample are read as one row.
  if (levels.embeddings > 1 && stepEmbedDim % 4 !== 0) fail('diffusion_step_embed_dim', 'a multiple of 4 for several levels', stepEmbedDim);
}

export function unetLayout(shape: UnetShape, bindingBytes: number, precision?: TrainingPrecision): ParameterLayout {
  const { matrices, vectors } = unetRequests(shape);
  return new ParameterLayout(bindingBytes, matrices, vectors, precision);
}
