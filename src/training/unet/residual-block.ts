import type { ResidualBlockShape } from '../../networks/unet/residual-block.js';
import { recordDroppedRows, recordDroppedRowsGradient } from '../../ops/backward/dropped-rows.js';
import { LINEAR } from '../../ops/backward/rows-product.js';
import type { TrainedFilm } from '../../ops/backward/trained-norm.js';
import { newRows, probeRows, type Rows } from '../../runtime/rows.js';
import { type ConvBlockTape, recordConvBlock, recordConvBlockBackward } from './conv-block.js';
import type { BlockDropout } from './dropout.js';
import { type PassRecorder, recordLayer, recordLayerGradients, recordLayerInput } from './layers.js';

/**
 * Kept of a residual block: what went in, both convolutions' outputs with the statistics of their norms, and what FiLM made. Computed
 * again: norms and Mish. Where a block drops, what its first Mish made is kept as well.
 */
export interface ResidualBlockTape {
  readonly shape: ResidualBlockShape;
  readonly x: Rows;
  readonly first: ConvBlockTape;
  readonly second: ConvBlockTape;
  readonly dropped: DroppedTape | undefined;
}

/** Kept of a block that drops; its FiLM is behind the first dropout, not in the norm. */
interface DroppedTape {
  readonly sites: BlockDropout;
  readonly activated: Rows;
  readonly film: TrainedFilm;
}

/**
 * Records y = mish(norm(conv2(film(mish(norm(conv1(x))))))) + residual(x). With `dropout`: y = drop(mish(norm(conv2(film(drop(mish(norm(conv1(x)))))))) +
 * residual(x)).
 */
export function recordBlock(
  recorder: PassRecorder,
  shape: ResidualBlockShape,
  film: TrainedFilm,
  x: Rows,
  y: Rows,
  dropout?: BlockDropout,
): ResidualBlockTape {
  const { builder } = recorder;
  const { name, outChannels, kernelSize, groups } = shape;
  const modulated = newRows(builder, `${name} film`, x.batch, x.length, outChannels);
  const common = { kernelSize, groups };
  const fresh = (label: string): Rows => newRows(builder, `${name} ${label}`, x.batch, x.length, outChannels);
  const dropped = dropout && { sites: dropout, activated: fresh('activated'), film };
  const first = recordConvBlock(recorder, {
    ...common,
    key: `${name}.conv1`,
    x,
    ...(dropped ? { y: dropped.activated } : { film, y: modulated }),
  });
  if (dropped) {
    const { plan, activated: site } = dropped.sites;
    recordDroppedRows(builder, { x: dropped.activated, y: modulated, film, dropout: plan, site });
  }
  let residual = x;
  if (isProjected(shape)) {
    residual = newRows(builder, `${name} residual_conv`, x.batch, x.length, outChannels);
    recordLayer(recorder, `${name}.residual_conv`, LINEAR, x, residual);
    probeRows(builder, `activation.${name}.residual_conv`, residual);
  }
  const sum = dropped ? fresh('sum') : y;
  const second = recordConvBlock(recorder, { ...common, key: `${name}.conv2`, x: modulated, y: sum, residual });
  if (dropped) recordDroppedRows(builder, { x: sum, y, dropout: dropped.sites.plan, site: dropped.sites.sum });
  probeRows(builder, `activation.${name}`, y);
  return { shape, x, first, second, dropped };
}

/** Records its backward pass: the gradient dy of y becomes that of x, in dx, where it is given. */
export function recordBlockBackward(recorder: PassRecorder, tape: ResidualBlockTape, dy: Rows, dx: Rows | undefined): void {
  const { builder, scratch } = recorder;
  const { shape, dropped } = tape;
  probeRows(builder, `grad_activation.${shape.name}`, dy);
  if (!dropped) {
    recordSumBackward(recorder, tape, dy, dx);
    return;
  }
  const dsum = scratch.take(dy.batch, dy.length, shape.outChannels);
  recordDroppedRows(builder, { x: dy, y: dsum, dropout: dropped.sites.plan, site: dropped.sites.sum });
  recordSumBackward(recorder, tape, dsum, dx);
  scratch.giveBack(dsum);
}

/** From the gradient dy of a block's sum. */
function recordSumBackward(recorder: PassRecorder, tape: ResidualBlockTape, dy: Rows, dx: Rows | undefined): void {
  const { scratch } = recorder;
  const { shape, x, second } = tape;
  const { name, outChannels } = shape;
  const dmodulated = scratch.take(dy.batch, dy.length, outChannels);
  recordConvBlockBackward(recorder, second, dy, dmodulated);
  if (!isProjected(shape)) {
    recordFirstBackward(recorder, tape, dmodulated, dx, dy);
    scratch.giveBack(dmodulated);
    return;
  }
  const key = `${name}.residual_conv`;
  recordLayerGradients(recorder, key, LINEAR, x, dy);
  if (!dx) {
    recordFirstBackward(recorder, tape, dmodulated, undefined);
    scratch.giveBack(dmodulated);
    return;
  }
  const dresidual = scratch.take(x.batch, x.length, x.channels);
  recordLayerInput(recorder, key, { geometry: LINEAR, x: dy, y: dresidual });
  recordFirstBackward(recorder, tape, dmodulated, dx, dresidual);
  scratch.giveBack(dmodulated);
  scratch.giveBack(dresidual);
}

/** From the gradient of what FiLM made. */
function recordFirstBackward(
  recorder: PassRecorder,
  { first, dropped }: ResidualBlockTape,
  dmodulated: Rows,
  dx: Rows | undefined,
  addend?: Rows,
): void {
  if (!dropped) {
    recordConvBlockBackward(recorder, first, dmodulated, dx, addend);
    return;
  }
  const { builder, scratch } = recorder;
  const { sites, activated, film } = dropped;
  const dactivated = scratch.take(activated.batch, activated.length, activated.channels);
  const site = sites.activated;
  recordDroppedRowsGradient(builder, { x: activated, film, dropout: sites.plan, site, dy: dmodulated, dx: dactivated });
  recordConvBlockBackward(recorder, first, dactivated, dx, addend);
  scratch.giveBack(dactivated);
}

/** Whether the residual path has a 1×1 convolution. */
function isProjected({ inChannels, outChannels }: ResidualBlockShape): boolean {
  return inChannels !== outChannels;
}
