import type { Conv2dLayer } from '../../../kernels/conv/conv2d-shape.js';
import { type Conv1dWeights, loadLinear } from '../../ops/conv1d.js';
import { type Conv2dWeights, uploadConv2d } from '../../ops/conv2d.js';
import { type MapNorm, uploadMapNorm } from '../../ops/feature-maps.js';
import { roundVector } from '../../ops/weight-packing.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import { SMALL_ENCODER_CHANNELS, type SmallEncoderShape } from '../../spec/network-shapes.js';

/** A convolution with its bias, which is there by itself too, for where the convolution leaves partial sums. */
interface BiasedConv {
  readonly conv: Conv2dWeights;
  readonly bias: MapNorm;
}

/** The image encoder of a predictor on the device. */
export interface SmallEncoder {
  readonly shape: SmallEncoderShape;
  readonly layers: readonly BiasedConv[];
  readonly head: Conv1dWeights;
}

/** What the names of its tensors begin with. */
const PREFIX = 'encoder.key_model_map.rgb.';

export async function loadSmallEncoder(loader: WeightLoader, shape: SmallEncoderShape): Promise<SmallEncoder> {
  const layers: BiasedConv[] = [];
  let inChannels = 3;
  for (const [index, outChannels] of SMALL_ENCODER_CHANNELS.entries()) {
    // Of a list that alternates with activations.
    const name = `${PREFIX}net.${2 * index}`;
    const layer: Conv2dLayer = { inChannels, outChannels, kernelSize: 3, stride: 2, padding: 1 };
    const weight = (await loader.source.readFloats(`${name}.weight`)).slice();
    const bias = (await loader.source.readFloats(`${name}.bias`)).slice();
    roundVector(loader, loader.source.locate(`${name}.bias`), bias);
    layers.push({
      conv: await uploadConv2d(loader, name, layer, [{ weight, bias }]),
      bias: await uploadMapNorm(loader, name, outChannels, undefined, [{ gamma: new Float32Array(outChannels).fill(1), beta: bias }]),
    });
    inChannels = outChannels;
  }
  return { shape, layers, head: await loadLinear(loader, `${PREFIX}head`, inChannels, shape.features) };
}
