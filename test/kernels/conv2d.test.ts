import { describe, expect, it } from 'vitest';
import { roundToF16 } from '../../src/foundation/half.js';
import { partialMaps, recordConv2d, uploadConv2d } from '../../src/ops/conv2d.js';
import { chooseConv2dSplits } from '../../src/ops/conv2d-variants.js';
import { recordFinishMap, uploadMapNorm } from '../../src/ops/feature-maps.js';
import { type Conv2dCase, conv2dInputs, expectedConv2d, runConv2d, sampleMap } from '../support/conv2d-case.js';
import { useTestDevice } from '../support/device.js';
import { inputMap, outputMap, readMap } from '../support/feature-maps.js';
import { runOp } from '../support/run-op.js';
import { expectClose, expectSameBits } from '../support/values.js';

/** Sums of about unit size over up to 4,608 products in f32. */
const TOLERANCE = { atol: 1e-5, rtol: 2e-6 };

const own = useTestDevice();
const gpu = useTestDevice({ deviceClass: 'gpu' });
const DEVICES = [
  ['of the adapter', own],
  ['gpu', gpu],
] as const;

const CASES: readonly Conv2dCase[] = [
  { inChannels: 3, outChannels: 64, kernelSize: 7, stride: 2, padding: 3, height: 19, width: 23, frames: 2, relu: true },
  { inChannels: 64, outChannels: 64, kernelSize: 3, stride: 1, padding: 1, height: 5, width: 7, residual: true, relu: true },
  { inChannels: 32, outChannels: 72, kernelSize: 3, stride: 2, padding: 1, height: 9, width: 6, frames: 3 },
  { inChannels: 12, outChannels: 20, kernelSize: 1, stride: 2, padding: 0, height: 7, width: 5, encoders: 2, frames: 2 },
  { inChannels: 36, outChannels: 30, kernelSize: 1, stride: 1, padding: 0, height: 3, width: 4, residual: true },
  { inChannels: 20, outChannels: 33, kernelSize: 3, stride: 1, padding: 1, height: 6, width: 9, frames: 3 },
  { inChannels: 8, outChannels: 5, kernelSize: 3, stride: 1, padding: 1, height: 1, width: 1, encoders: 3, relu: true },
];
const named = (p: Conv2dCase): string => JSON.stringify(p);

describe.each(DEVICES)('conv2d, variants %s', (_name, device) => {
  it.each(CASES.map((p) => [named(p), p] as const))('%s', async (_text, p) => {
    const inputs = conv2dInputs(p);
    expectClose(await runConv2d(device(), p, inputs), expectedConv2d(p, inputs), TOLERANCE, 'y');
  });

  it('f16 is f32 over rounded weights, bit by bit', async () => {
    const p: Conv2dCase = { inChannels: 20, outChannels: 40, kernelSize: 3, stride: 1, padding: 1, height: 4, width: 5, encoders: 2 };
    const inputs = conv2dInputs(p);
    const rounded = inputs.weights.map((weight) => weight.slice());
    for (const weight of rounded) roundToF16(weight);
    expectSameBits(await runConv2d(device(), p, inputs, 'f16'), await runConv2d(device(), p, { ...inputs, weights: rounded }), 'y');
  });

  it('int8 is within half a step of every weight, each channel of each encoder with its own scale', async () => {
    const p: Conv2dCase = { inChannels: 20, outChannels: 40, kernelSize: 3, stride: 2, padding: 1, height: 5, width: 5, encoders: 2 };
    const inputs = conv2dInputs(p);
    // Channels of very different size: a scale of another channel would show.
    inputs.weights.forEach((weight, encoder) => {
      const row = p.inChannels * 9;
      weight.forEach((w, i) => (weight[i] = w * (1 + ((Math.floor(i / row) + 7 * encoder) % 5) * 3)));
    });
    const quantized = inputs.weights.map((weight) => {
      const row = p.inChannels * 9;
      return weight.map((w, i) => {
        const first = Math.floor(i / row) * row;
        const scale = Math.fround(weight.subarray(first, first + row).reduce((most, v) => Math.max(most, Math.abs(v)), 0) / 127);
        return Math.round(w / scale) * scale;
      });
    });
    const wanted = expectedConv2d(p, { ...inputs, weights: quantized });
    expectClose(await runConv2d(device(), p, inputs, 'int8'), wanted, { atol: 1e-4, rtol: 1e-5 }, 'y');
  });

  it('what is not a number stays so behind ReLU, and nothing beside it', async () => {
    const p: Conv2dCase = { inChannels: 8, outChannels: 8, kernelSize: 3, stride: 1, padding: 1, height: 4, width: 5, relu: true };
    const inputs = conv2dInputs(p);
    inputs.weights[0]?.fill(NaN, 0, 1);
    const { data } = await runConv2d(device(), p, inputs);
    const pixels = p.height * p.width;
    expect([...data.slice(0, pixels)].some(Number.isNaN)).toBe(true);
    expect([...data.slice(pixels)].every(Number.isFinite)).toBe(true);
  });

  it('a frame has the same bits alone and among others', async () => {
    const p: Conv2dCase = { inChannels: 64, outChannels: 64, kernelSize: 3, stride: 1, padding: 1, height: 5, width: 7, frames: 3 };
    const inputs = conv2dInputs(p);
    const all = await runConv2d(device(), p, inputs);
    const alone = await runConv2d(device(), { ...p, frames: 1 }, { ...inputs, x: sampleMap(inputs.x, 1) });
    expectSameBits(alone, sampleMap(all, 1), 'second frame');
  });
});

describe('conv2d over small maps, plane by plane', () => {
  const order = 'plane by plane';

  it('multiplies what is inside, of every sample', async () => {
    const p: Conv2dCase = {
      ...{ order, inChannels: 7, outChannels: 36, kernelSize: 3, stride: 2, padding: 1, height: 5, width: 4 },
      ...{ frames: 2, encoders: 2, residual: true, relu: true },
    };
    const inputs = conv2dInputs(p);
    expectClose(await runConv2d(own(), p, inputs), expectedConv2d(p, inputs), TOLERANCE, 'y');
  });

  it('holds halves and bytes in the same order', async () => {
    const p: Conv2dCase = {
      order,
      inChannels: 20,
      outChannels: 40,
      kernelSize: 3,
      stride: 1,
      padding: 1,
      height: 2,
      width: 2,
      encoders: 2,
    };
    const inputs = conv2dInputs(p);
    // Whole numbers, the largest of which are 127: halves and bytes hold them exactly.
    for (const weight of inputs.weights) weight.forEach((w, i) => (weight[i] = i % 20 === 0 ? 127 : Math.round(w * 100)));
    const expected = await runConv2d(own(), p, inputs);
    expectSameBits(await runConv2d(own(), p, inputs, 'f16'), expected, 'f16');
    expectSameBits(await runConv2d(own(), p, inputs, 'int8'), expected, 'int8');
  });

  it('is refused where invocations share no subgroup', async () => {
    const p: Conv2dCase = { order, inChannels: 4, outChannels: 4, kernelSize: 3, stride: 1, padding: 1, height: 2, width: 2 };
    await expect(runConv2d(gpu(), p, conv2dInputs(p))).rejects.toThrow('weights plane by plane');
  });
});

describe('conv2d over pictures, stretch by stretch', () => {
  const lavapipe = useTestDevice({ deviceClass: 'lavapipe' });
  const cases: readonly Conv2dCase[] = [
    {
      ...{ inChannels: 3, outChannels: 36, kernelSize: 5, stride: 2, padding: 2, height: 7, width: 9 },
      ...{ frames: 2, encoders: 2, residual: true },
    },
    { inChannels: 4, outChannels: 8, kernelSize: 3, stride: 1, padding: 1, height: 2, width: 23, frames: 2, relu: true },
    { inChannels: 1, outChannels: 5, kernelSize: 3, stride: 2, padding: 0, height: 5, width: 6 },
  ];

  it.each(cases.map((p) => [named(p), p] as const))('%s', async (_text, p) => {
    const inputs = conv2dInputs(p);
    const actual = await runConv2d(lavapipe(), p, inputs);
    expectClose(actual, expectedConv2d(p, inputs), TOLERANCE, 'y');
    expectSameBits(await runConv2d(own(), p, inputs), actual, 'any pixels');
  });

  it('f16 is f32 over rounded weights, bit by bit', async () => {
    const p = cases[0] as Conv2dCase;
    const inputs = conv2dInputs(p);
    const rounded = inputs.weights.map((weight) => weight.slice());
    for (const weight of rounded) roundToF16(weight);
    expectSameBits(await runConv2d(lavapipe(), p, inputs, 'f16'), await runConv2d(lavapipe(), p, { ...inputs, weights: rounded }), 'y');
  });
});

describe('conv2d that shares its reduction among workgroups', () => {
  const p: Conv2dCase = {
    inChannels: 64,
    outChannels: 36,
    kernelSize: 3,
    stride: 1,
    padding: 1,
    height: 5,
    width: 3,
    frames: 2,
    encoders: 2,
  };

  it('leaves sums that add up, in f32 and in int8', async () => {
    const inputs = conv2dInputs({ ...p, residual: true });
    const splits = chooseConv2dSplits({ layer: p, outPixels: 15, frames: 2 }, gpu());
    expect(splits, 'workgroups').toBeGreaterThan(4);
    const shape = { batch: 4, channels: 36, height: 5, width: 3 };
    for (const precision of ['f32', 'int8'] as const) {
      const results = await runOp(gpu(), async (op) => {
        const loader = op.loader({}, precision);
        const weights = await uploadConv2d(
          loader,
          'conv',
          p,
          inputs.weights.map((weight) => ({ weight })),
        );
        const sums = partialMaps(op.builder, 'sums', { ...shape, splits });
        recordConv2d(op.builder, weights, { x: inputMap(op, inputs.x), y: sums });
        const ones = new Float32Array(36).fill(1);
        const norm = await uploadMapNorm(
          loader,
          'biases',
          36,
          undefined,
          inputs.biases.map((beta) => ({ gamma: ones, beta })),
        );
        const residual = inputs.residual && inputMap(op, inputs.residual);
        recordFinishMap(op.builder, norm, { x: sums, y: outputMap(op, 'y', shape), residual, relu: true });
      });
      const wanted = expectedConv2d({ ...p, relu: true }, inputs);
      const tolerance = precision === 'f32' ? TOLERANCE : { atol: 5e-2, rtol: 0 };
      expectClose(readMap(results, 'y', shape), wanted, tolerance, precision);
    }
  });

  it('is refused where shapes do not fit', async () => {
    const record = (change: object): Promise<unknown> =>
      runOp(own(), async (op) => {
        const weights = await uploadConv2d(
          op.loader({}),
          'conv',
          p,
          conv2dInputs(p).weights.map((weight) => ({ weight })),
        );
        const x = inputMap(op, conv2dInputs(p).x);
        recordConv2d(op.builder, weights, { x, y: { ...outputMap(op, 'y', { batch: 4, channels: 36, height: 5, width: 3 }), ...change } });
      });
    await expect(record({ height: 6 })).rejects.toThrow(/64 -> 36, output 5x3; x is 4x64x5x3, y is 4x36x6x3/);
    await expect(record({ channels: 40 })).rejects.toThrow(/y is 4x40x5x3/);
  });
});
