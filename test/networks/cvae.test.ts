import { describe, it } from 'vitest';
import { cvaeTensors } from '../../src/checkpoints/predictor/small-encoder-tensors.js';
import { loadCvae, recordCvae } from '../../src/networks/cvae/cvae.js';
import { asTokens, channelRange } from '../../src/runtime/tensor.js';
import type { CvaeShape } from '../../src/spec/network-shapes.js';
import { useTestDevice } from '../support/device.js';
import { activate, convolution } from '../support/reference.js';
import { runOp } from '../support/run-op.js';
import { expectClose, Normals, type Values, valueAt, valuesOf } from '../support/values.js';

const DEVICES = [
  ['of the adapter', useTestDevice()],
  ['gpu', useTestDevice({ deviceClass: 'gpu' })],
] as const;

const PLAIN: CvaeShape = {
  actionDim: 3,
  observationDim: 5,
  horizon: 4,
  observationSteps: 2,
  conditionDim: 10,
  latentDim: 6,
  hiddenDim: 24,
  hiddenLayers: 2,
  activation: 'relu',
  latentStd: 1,
};

/** The decoder in float64: linear layers with ReLU or ELU between them over [condition, latent]. */
function decoded(tensors: Readonly<Record<string, Float32Array>>, shape: CvaeShape, frames: Values, latent: Values): Values {
  const linear = (name: string, x: Values): Values => {
    const bias = tensors[`${name}.bias`] as Float32Array;
    return convolution({ x, weight: tensors[`${name}.weight`] as Float32Array, bias, outChannels: bias.length, kernelSize: 1 });
  };
  const name = (layer: number): string => (shape.activation === 'relu' ? `decoder_net.${3 * layer}` : `decoder.model.${2 * layer}`);
  const condition = tensors['obs_projection.weight'] ? linear('obs_projection', frames) : frames;
  let x = valuesOf(frames.batch, shape.conditionDim + shape.latentDim, 1, (b, c) =>
    c < shape.conditionDim ? valueAt(condition, b, c, 0) : valueAt(latent, b, c - shape.conditionDim, 0),
  );
  for (let layer = 0; layer < shape.hiddenLayers; layer++) {
    const y = linear(name(layer), x);
    x = { ...y, data: y.data.map((value) => activate(shape.activation, value)) };
  }
  return linear(name(shape.hiddenLayers), x);
}

describe.each(DEVICES)('the decoder of a CVAE, variants %s', (_name, device) => {
  it.each([
    ['over frames as they are', {}],
    ['over a projection of the frames', { conditionDim: 16 }],
    ['of BRIDGER: ELU, three hidden layers', { activation: 'elu', hiddenLayers: 3 }],
    ['with one hidden layer, odd sizes', { hiddenLayers: 1, latentDim: 5, hiddenDim: 11, horizon: 5 }],
  ] as const)('%s', async (_what, change) => {
    const shape = { ...PLAIN, ...change };
    const normals = new Normals(3);
    const batch = 2;
    const tensors = Object.fromEntries(
      [...cvaeTensors(shape)].map(([name, { shape: sides }]) => [
        name,
        normals.floats(sides.reduce((all, size) => all * size, 1)).map((v) => v / 3),
      ]),
    );
    const frames = normals.values(batch, shape.observationDim * shape.observationSteps, 1);
    // As a part of what goes up, with something else before it.
    const latentRow = normals.values(batch, 3 + shape.latentDim, 1);
    const results = await runOp(device(), async (op) => {
      const cvae = await loadCvae(op.loader(tensors), shape);
      const latent = channelRange(op.input(latentRow, 'tokens'), 3, shape.latentDim);
      const flat = op.output('chunk', batch, shape.horizon * shape.actionDim, 1, 'tokens');
      recordCvae(op.builder, cvae, op.input(frames, 'tokens'), latent, asTokens(flat.buffer, batch, shape.horizon, shape.actionDim));
    });
    const latent = valuesOf(batch, shape.latentDim, 1, (b, c) => valueAt(latentRow, b, c + 3, 0));
    expectClose(results.values('chunk'), decoded(tensors, shape, frames, latent), { atol: 2e-5, rtol: 2e-6 }, 'chunk');
  });
});
