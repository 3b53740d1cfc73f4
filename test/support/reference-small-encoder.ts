import { asMap, type MapValues } from './feature-maps.js';
import { convolution } from './reference.js';
import { conv2d } from './reference-maps.js';
import { type Values, valueAt, valuesOf } from './values.js';

const PREFIX = 'encoder.key_model_map.rgb.';

/** Features of pictures by the small image encoder of the STEP release, in float64: [b][features][1]. */
export function smallEncoderFeatures(tensors: Readonly<Record<string, Float32Array>>, pictures: MapValues): Values {
  const tensor = (name: string): Float32Array => tensors[PREFIX + name] as Float32Array;
  let x = pictures;
  for (const layer of [0, 2, 4, 6]) {
    const bias = tensor(`net.${layer}.bias`);
    const sizes = { inChannels: x.channels, outChannels: bias.length, kernelSize: 3, stride: 2, padding: 1 };
    const y = conv2d(x, sizes, tensor(`net.${layer}.weight`), bias);
    x = asMap({ ...y, data: y.data.map((value) => Math.max(0, value)) }, y.height, y.width);
  }
  const mean = valuesOf(x.batch, x.channels, 1, (b, c) => {
    let sum = 0;
    for (let p = 0; p < x.length; p++) sum += valueAt(x, b, c, p);
    return sum / x.length;
  });
  const bias = tensor('head.bias');
  return convolution({ x: mean, weight: tensor('head.weight'), bias, outChannels: bias.length, kernelSize: 1 });
}
