import { describe, it } from 'vitest';
import { writeSolverStep } from '../../src/decision/solver-step-uniform.js';
import { embedLevels, loadSlotUnet, recordSlotObservation, recordSlotUnet } from '../../src/networks/slot-unet/slot-unet.js';
import { recordSolverStep } from '../../src/ops/sampling.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import { asTokens, tokens } from '../../src/runtime/tensor.js';
import type { UnetShape } from '../../src/spec/network-shapes.js';
import { useTestDevice } from '../support/device.js';
import { referenceSlotUnet, type Tensors } from '../support/reference-networks.js';
import { runOp } from '../support/run-op.js';
import { NOTHING } from '../support/solver-steps.js';
import { expectClose, Normals, type Values } from '../support/values.js';

const base: UnetShape = {
  actionDim: 3,
  horizon: 8,
  downDims: [16, 24, 32],
  kernelSize: 5,
  groups: 8,
  stepEmbedDim: 8,
  conditioningDim: 6,
  scaleModulation: true,
};

/** Random tensors of the network, small enough that a chain of them stays in range. */
function randomTensors(shape: UnetShape): Tensors {
  const normals = new Normals(3);
  const { downDims, kernelSize, stepEmbedDim, conditioningDim } = shape;
  const width = stepEmbedDim + conditioningDim;
  const last = downDims.length - 1;
  const dim = (level: number): number => downDims[level] as number;
  const tensors: Record<string, Float32Array> = {};
  const layer = (name: string, count: number, fanIn: number, biases: number): void => {
    tensors[`${name}.weight`] = normals.floats(count, 1 / Math.sqrt(fanIn));
    tensors[`${name}.bias`] = normals.floats(biases, 0.3);
  };
  const conv = (name: string, inDim: number, outDim: number, taps: number): void =>
    layer(name, inDim * outDim * taps, inDim * taps, outDim);
  const block = (name: string, inDim: number, outDim: number): void => {
    conv(`${name}.block.0`, inDim, outDim, kernelSize);
    layer(`${name}.block.1`, outDim, 1, outDim);
  };
  const residual = (name: string, inDim: number, outDim: number): void => {
    block(`${name}.conv1`, inDim, outDim);
    conv(`${name}.cond_encoder.1`, width, outDim * (shape.scaleModulation ? 2 : 1), 1);
    block(`${name}.conv2`, outDim, outDim);
    if (inDim !== outDim) conv(`${name}.residual_conv`, inDim, outDim, 1);
  };
  const pair = (name: string, inDim: number, outDim: number): void => {
    residual(`${name}.0`, inDim, outDim);
    residual(`${name}.1`, outDim, outDim);
  };
  conv('diffusion_step_encoder.1', stepEmbedDim, 4 * stepEmbedDim, 1);
  conv('diffusion_step_encoder.3', 4 * stepEmbedDim, stepEmbedDim, 1);
  downDims.forEach((outDim, level) => {
    pair(`down_modules.${level}`, level === 0 ? shape.actionDim : dim(level - 1), outDim);
    if (level === last) return;
    conv(`down_modules.${level}.2`, outDim, outDim, 3);
    conv(`down_modules.${level}.3`, width, width, 3);
  });
  pair('mid_modules', dim(last), dim(last));
  for (let j = 0; j < last; j++) {
    pair(`up_modules.${j}`, 2 * dim(last - j), dim(last - j - 1));
    conv(`up_modules.${j}.2`, dim(last - j - 1), dim(last - j - 1), 4);
    conv(`up_modules.${j}.3`, width, width, 4);
  }
  block('final_conv.0', dim(0), dim(0));
  conv('final_conv.1', dim(0), shape.actionDim, 1);
  return tensors;
}

async function run(
  on: ComputeDevice,
  tensors: Tensors,
  shape: UnetShape,
  x: Values,
  levels: readonly number[],
  conditioning: Values,
): Promise<Values> {
  const results = await runOp(on, async (op) => {
    const loader = op.loader(tensors);
    const network = await loadSlotUnet(loader, shape);
    const embeddings = await embedLevels(loader.uploader, network, levels);
    const observation = asTokens(op.buffer('observation', Float32Array.from(conditioning.data)), x.batch, 1, shape.conditioningDim);
    const films = recordSlotObservation(op.builder, network, embeddings, observation);
    const { batch } = x;
    const sample = op.input(x, 'tokens');
    const output = recordSlotUnet(op.builder, network, films, sample, tokens(op.builder, 'output', batch, shape.horizon, shape.actionDim));
    // The reader of an output in parts: the sample becomes the output.
    const bytes = batch * shape.horizon * shape.actionDim * 4;
    const step = new DataView(new ArrayBuffer(256));
    writeSolverStep(step, 0, { ...NOTHING, x0FromOutput: 1, fromX0: 1 }, 1);
    recordSolverStep(op.builder, {
      steps: {
        buffer: op.buffer('step', new Float32Array(step.buffer)),
        offset: 0,
        bytes: 0,
        stepOffset: op.builder.offset('coefficients'),
      },
      output,
      noise: { buffer: op.builder.buffer('noise', bytes), offset: 0, bytes, stepOffset: op.builder.offset('noise') },
      sample,
      pastX0: op.builder.buffer('x0', 2 * bytes),
      status: op.builder.buffer('status', batch * 4),
      thresholding: false,
    });
    op.read('output', sample);
  });
  return results.values('output');
}

// With the variants for GPUs a convolution finishes the one before it, FiLM included.
describe.each([undefined, 'gpu'] as const)('the U-Net with conditioning per row against float64, device class %s', (deviceClass) => {
  const device = useTestDevice(deviceClass === undefined ? {} : { deviceClass });

  it.each<[string, Partial<UnetShape>, number]>([
    ['three levels, two samples', {}, 2],
    [
      'one level, one group, the smallest embedding',
      { downDims: [8], groups: 1, horizon: 5, stepEmbedDim: 4, conditioningDim: 1, kernelSize: 3 },
      1,
    ],
    ['two levels, bias alone, horizon 64', { downDims: [16, 24], horizon: 64, scaleModulation: false }, 1],
    ['four levels, down to one column', { downDims: [16, 8, 16, 24], horizon: 8, actionDim: 1 }, 3],
  ])('%s', async (_, given, batch) => {
    const shape = { ...base, ...given };
    const normals = new Normals(9);
    const tensors = randomTensors(shape);
    const x = normals.values(batch, shape.actionDim, shape.horizon);
    const conditioning = normals.values(batch, shape.conditioningDim, 1);
    // Any levels: an order would hide that a row reads its neighbour's.
    const levels = Array.from({ length: shape.horizon }, (_, slot) => (slot * 37) % 50);
    const expected = referenceSlotUnet(tensors, shape, x, levels, conditioning);
    expectClose(await run(device(), tensors, shape, x, levels, conditioning), expected, { atol: 5e-5, rtol: 5e-5 }, 'output');
  });
});
