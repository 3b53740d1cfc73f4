import type { ResidualBlockShape } from '../../networks/unet/residual-block.js';
import { LINEAR } from '../../ops/backward/rows-product.js';
import type { TrainedFilm } from '../../ops/backward/trained-norm.js';
import { newRows, probeRows, type Rows } from '../../runtime/rows.js';
import { type ConvBlockTape, recordConvBlock, recordConvBlockBackward } from './conv-block.js';
import { type PassRecorder, recordLayer, recordLayerGradients, recordLayerInput } from './layers.js';

/**
 * Kept of a residual block: what went in, both convolutions' outputs with the statistics of their norms, and what FiLM made. Computed
 * again: norms and Mish.
 */
export interface ResidualBlockTape {
  readonly shape: ResidualBlockShape;
  readonly x: Rows;
  readonly first: ConvBlockTape;
  readonly second: ConvBlockTape;
}

/** Records y = mish(norm(conv2(film(mish(norm(conv1(x))))))) + residual(x). */
export function recordBlock(recorder: PassRecorder, shape: ResidualBlockShape, film: TrainedFilm, x: Rows, y: Rows): ResidualBlockTape {
  const { builder } = recorder;
  const { name, outChannels, kernelSize, groups } = shape;
  const modulated = newRows(builder, `${name} film`, x.batch, x.length, outChannels);
  const common = { kernelSize, groups };
  const first = recordConvBlock(recorder, { ...common, key: `${name}.conv1`, film, x, y: modulated });
  let residual = x;
  if (isProjected(shape)) {
    residual = newRows(builder, `${name} residual_conv`, x.batch, x.length, outChannels);
    recordLayer(recorder, `${name}.residual_conv`, LINEAR, x, residual);
    probeRows(builder, `activation.${name}.residual_conv`, residual);
  }
  const second = recordConvBlock(recorder, { ...common, key: `${name}.conv2`, x: modulated, y, residual });
  probeRows(builder, `activation.${name}`, y);
  return { shape, x, first, second };
}

/** Records its backward pass: the gradient dy of y becomes that of x, in dx, where it is given. */
export function recordBlockBackward(recorder: PassRecorder, tape: ResidualBlockTape, dy: Rows, dx: Rows | undefined): void {
  const { builder, scratch } = recorder;
  const { shape, x, first, second } = tape;
  const { name, outChannels } = shape;
  probeRows(builder, `grad_activation.${name}`, dy);
  const dmodulated = scratch.take(dy.batch, dy.length, outChannels);
  recordConvBlockBackward(recorder, second, dy, dmodulated);
  if (!isProjected(shape)) {
    recordConvBlockBackward(recorder, first, dmodulated, dx, dy);
    scratch.giveBack(dmodulated);
    return;
  }
  const key = `${name}.residual_conv`;
  recordLayerGradients(recorder, key, LINEAR, x, dy);
  if (!dx) {
    recordConvBlockBackward(recorder, first, dmodulated, undefined);
    scratch.giveBack(dmodulated);
    return;
  }
  const dresidual = scratch.take(x.batch, x.length, x.channels);
  recordLayerInput(recorder, key, { geometry: LINEAR, x: dy, y: dresidual });
  recordConvBlockBackward(recorder, first, dmodulated, dx, dresidual);
  scratch.giveBack(dmodulated);
  scratch.giveBack(dresidual);
}

/** Whether the residual path has a 1×1 convolution. */
function isProjected({ inChannels, outChannels }: ResidualBlockShape): boolean {
  return inChannels !== outChannels;
}
