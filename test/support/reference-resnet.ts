import { asMap, type MapValues } from './feature-maps.js';
import { conv2d, groupNorm, maxPool, spatialSoftmax } from './reference-maps.js';

type Tensors = Readonly<Record<string, Float32Array>>;

/**
 * Features of pictures by LeRobot's DiffusionRgbEncoder over a ResNet of torchvision, in float64, from the names of its tensors alone: blocks
 * with a third convolution are bottlenecks. [picture][feature].
 */
export function resnetFeatures(tensors: Tensors, pictures: MapValues): number[][] {
  const tensor = (name: string): Float32Array => {
    const found = tensors[name];
    if (!found) throw new Error(`the test has no tensor "${name}"`);
    return found;
  };
  const convNorm = (x: MapValues, conv: string, norm: string, stride: number): MapValues => {
    const weight = tensor(`${conv}.weight`);
    const gamma = tensor(`${norm}.weight`);
    const outChannels = gamma.length;
    const kernelSize = Math.sqrt(weight.length / outChannels / x.channels);
    const y = conv2d(x, { inChannels: x.channels, outChannels, kernelSize, stride, padding: kernelSize >> 1 }, weight);
    const running = tensors[`${norm}.running_var`];
    if (!running) return groupNorm(y, outChannels / 16, gamma, tensor(`${norm}.bias`));
    const mean = tensor(`${norm}.running_mean`);
    const data = y.data.map((value, i) => {
      const c = Math.floor(i / y.length) % outChannels;
      return (
        ((value - (mean[c] as number)) / Math.sqrt((running[c] as number) + 1e-5)) * (gamma[c] as number) +
        (tensor(`${norm}.bias`)[c] as number)
      );
    });
    return asMap({ ...y, data }, y.height, y.width);
  };
  let x = maxPool(relu(convNorm(pictures, 'backbone.0', 'backbone.1', 2)));
  for (const stage of [4, 5, 6, 7]) {
    for (let block = 0; tensors[`backbone.${stage}.${block}.conv1.weight`]; block++) {
      const at = `backbone.${stage}.${block}`;
      const stride = stage > 4 && block === 0 ? 2 : 1;
      const isBottleneck = tensors[`${at}.conv3.weight`] !== undefined;
      let y = relu(convNorm(x, `${at}.conv1`, `${at}.bn1`, isBottleneck ? 1 : stride));
      y = convNorm(y, `${at}.conv2`, `${at}.bn2`, isBottleneck ? stride : 1);
      if (isBottleneck) y = convNorm(relu(y), `${at}.conv3`, `${at}.bn3`, 1);
      const shortcut = tensors[`${at}.downsample.0.weight`] ? convNorm(x, `${at}.downsample.0`, `${at}.downsample.1`, stride) : x;
      x = relu(asMap({ ...y, data: y.data.map((value, i) => value + (shortcut.data[i] as number)) }, y.height, y.width));
    }
  }
  const bias = tensor('pool.nets.bias');
  const nets = { inChannels: x.channels, outChannels: bias.length, kernelSize: 1, stride: 1, padding: 0 };
  const points = spatialSoftmax(conv2d(x, nets, tensor('pool.nets.weight'), bias), tensor('pool.pos_grid'));
  const [weight, shift] = [tensor('out.weight'), tensor('out.bias')];
  return Array.from({ length: pictures.batch }, (_, b) => {
    const own = points.data.slice(b * points.channels, (b + 1) * points.channels);
    return Array.from(shift, (value, o) =>
      Math.max(
        0,
        own.reduce((sum, point, i) => sum + point * (weight[o * own.length + i] as number), value),
      ),
    );
  });
}

function relu(x: MapValues): MapValues {
  return asMap({ ...x, data: x.data.map((value) => Math.max(0, value)) }, x.height, x.width);
}
