import { UNIFORM_INPUT_BYTES } from '../../kernels/lib/kernel.js';
import { type GroupNormParameters, groupNormKernel, groupNormShape } from '../../kernels/norm/group-norm.wgsl.js';
import { type ColumnLoads, groupNormColumnsKernel } from '../../kernels/norm/group-norm-columns.wgsl.js';
import { layerNormKernel, layerNormShape } from '../../kernels/norm/layer-norm.wgsl.js';
import type { Binding, BufferHandle, PlanBuilder } from '../runtime/plan-builder.js';
import type { StepOffset } from '../runtime/step-offsets.js';
import { probeTensor, sameShape, type Tensor } from '../runtime/tensor.js';
import { loadVector } from './load-vector.js';
import { chooseColumnLoads, reductionInvocations } from './variants.js';
import { roundVector } from './weight-packing.js';
import type { WeightLoader } from './weight-source.js';

/** PyTorch's default for both norms. */
export const EPSILON = 1e-5;

/** Scale and shift per channel. */
export interface NormWeights {
  readonly gamma: GPUBuffer;
  readonly beta: GPUBuffer;
  readonly channels: number;
}

/**
 * What the reader of partial sums needs for each channel, vec4f: gamma and beta of the group norm, bias of the convolution, bias of the
 * residual's convolution; zeros for what is not there.
 */
export interface SumParameters {
  readonly parameters: GPUBuffer;
  readonly channels: number;
}

/** A group norm that the reader of a convolution applies. */
export interface FoldedNorm extends NormWeights, SumParameters {}

/** Loads the group norm `<name>` after the convolution `<convolution>`; `residual`: the convolution of the residual, where there is one. */
export async function loadFoldedNorm(
  loader: WeightLoader,
  name: string,
  convolution: string,
  channels: number,
  residual?: string,
): Promise<FoldedNorm> {
  const biases = [`${name}.weight`, `${name}.bias`, `${convolution}.bias`, ...(residual === undefined ? [] : [`${residual}.bias`])];
  return { ...(await loadNorm(loader, name, channels)), ...(await loadParameters(loader, name, biases, channels)) };
}

/** Loads the bias of a convolution whose sums the reader adds up. */
export function loadSumParameters(loader: WeightLoader, convolution: string, channels: number): Promise<SumParameters> {
  return loadParameters(loader, convolution, [undefined, undefined, `${convolution}.bias`], channels);
}

async function loadParameters(
  loader: WeightLoader,
  name: string,
  tensors: readonly (string | undefined)[],
  channels: number,
): Promise<SumParameters> {
  const parameters = new Float32Array(4 * channels);
  for (const [component, tensor] of tensors.entries()) {
    if (tensor === undefined) continue;
    const values = await loader.source.readFloats(tensor);
    for (let channel = 0; channel < channels; channel++) parameters[4 * channel + component] = values[channel] as number;
  }
  roundVector(loader, loader.source.locate(name), parameters);
  return { parameters: await loader.uploader.uploadFloats(`parameters of ${name}`, parameters), channels };
}

/** Loads `<name>.weight` and `<name>.bias` of a group norm or layer norm. */
export async function loadNorm(loader: WeightLoader, name: string, channels: number): Promise<NormWeights> {
  const gamma = await loadVector(loader, `${name}.weight`);
  const beta = await loadVector(loader, `${name}.bias`);
  return { gamma, beta, channels };
}

/** Where a residual block finds its FiLM values. */
export type FilmBinding = SplitFilm | SlotFilm;

interface FilmPlace {
  /** Values of a row, of all blocks that share it. */
  readonly rowLength: number;
  /** First value of the block. */
  readonly offset: number;
  readonly scale: boolean;
}

/** One row for all columns, the sum of a part by timestep and a part by observation. */
export interface SplitFilm extends FilmPlace {
  /** Rows by timestep. */
  readonly timestepRows: BufferHandle;
  /** Chooses the row. */
  readonly timestepRow: StepOffset;
  readonly rowBytes: number;
  /** [b][rowLength]. */
  readonly observationRows: BufferHandle;
}

/** Values of its own for every column. */
export interface SlotFilm extends FilmPlace {
  /** [b][rowLength][columns]. */
  readonly slotRows: BufferHandle;
}

/** What kernels with FiLM bind for it (`filmKernelBindings`). */
export function filmBindings(film: FilmBinding | undefined): Binding[] {
  if (!film) return [];
  if ('slotRows' in film) return [{ buffer: film.slotRows }];
  return [{ buffer: film.timestepRows, bytes: film.rowBytes, stepOffset: film.timestepRow }, { buffer: film.observationRows }];
}

/** How kernels apply FiLM. */
export function filmParameters(film: FilmBinding | undefined): Pick<GroupNormParameters, 'film' | 'filmSlots'> {
  if (!film) return { film: 'none' };
  return { film: film.scale ? 'scale-bias' : 'bias', ...('slotRows' in film ? { filmSlots: true } : {}) };
}

export interface GroupNormCall {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly groups: number;
  readonly film?: FilmBinding;
  readonly residual?: Tensor;
  /** Name under which the value before FiLM can be probed. */
  readonly probeName?: string;
}

/** Records y = film(mish(group_norm(x))) + residual. */
export function recordGroupNorm(builder: PlanBuilder, weights: NormWeights, call: GroupNormCall): void {
  const { x, y, groups, film, residual } = call;
  const { channels } = weights;
  if (x.channels !== channels || !sameShape(x, y) || channels % groups !== 0 || (residual && !sameShape(residual, y))) {
    throw new TypeError(
      `group_norm: ${channels} channels in ${groups} groups, x is ${x.channels}x${x.length}, y is ${y.channels}x${y.length}`,
    );
  }
  const probeName = call.probeName !== undefined && builder.wantsProbe(call.probeName) ? call.probeName : undefined;
  const probeBuffer = probeName ? builder.buffer(probeName, x.batch * channels * x.length * 4) : undefined;
  const { deviceClass } = builder;
  const parameters = {
    epsilon: EPSILON,
    invocations: reductionInvocations((channels / groups) * x.length, deviceClass),
    ...filmParameters(film),
    probed: probeBuffer !== undefined,
  };
  const xLoads = parameters.filmSlots ? 'scalar' : chooseColumnLoads(x, deviceClass);
  const residualLoads = residual && chooseColumnLoads(residual, deviceClass);
  const columns = xLoads !== 'scalar';
  const kernel = columns
    ? groupNormColumnsKernel({ ...parameters, x: xLoads, residual: residualLoads })
    : groupNormKernel({ ...parameters, residual: residual !== undefined });
  const activation = (buffer: BufferHandle, loads: ColumnLoads | undefined): Binding => ({
    buffer,
    ...(columns && loads === 'uniform' ? { bytes: UNIFORM_INPUT_BYTES } : {}),
  });
  const shape = groupNormShape({
    channels,
    length: x.length,
    groups,
    filmOffset: film?.offset ?? 0,
    filmRowLength: film?.rowLength ?? 0,
    x: x.layout,
    y: y.layout,
    residual: residual?.layout,
  });
  builder.dispatch(
    kernel,
    [
      builder.shape(shape),
      activation(x.buffer, xLoads),
      { buffer: builder.existing(weights.gamma) },
      { buffer: builder.existing(weights.beta) },
      ...filmBindings(film),
      ...(residual ? [activation(residual.buffer, residualLoads)] : []),
      { buffer: y.buffer },
      ...(probeBuffer ? [{ buffer: probeBuffer }] : []),
    ],
    [groups, 1, x.batch],
  );
  if (probeName && probeBuffer) {
    const layout = { offset: 0, batchStride: channels * x.length, channelStride: x.length, timeStride: 1 };
    probeTensor(builder, probeName, { ...x, buffer: probeBuffer, layout });
  }
}

/** Records y = layer_norm(x), token by token. */
export function recordLayerNorm(builder: PlanBuilder, weights: NormWeights, x: Tensor, y: Tensor): void {
  const { channels } = weights;
  if (x.channels !== channels || !sameShape(x, y)) {
    throw new TypeError(`layer_norm: ${channels} channels, x is ${x.channels}x${x.length}, y is ${y.channels}x${y.length}`);
  }
  const kernel = layerNormKernel({ epsilon: EPSILON, invocations: reductionInvocations(channels, builder.deviceClass) });
  builder.dispatch(
    kernel,
    [
      builder.shape(layerNormShape(channels, x.layout, y.layout)),
      { buffer: x.buffer },
      { buffer: builder.existing(weights.gamma) },
      { buffer: builder.existing(weights.beta) },
      { buffer: y.buffer },
    ],
    [x.length, 1, x.batch],
  );
}
