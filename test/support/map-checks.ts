import {
  recordKeypointsBackward,
  recordKeypointsForward,
  recordMapNormBackward,
  recordMapNormForward,
  recordMaxPoolBackward,
  recordMaxPoolForward,
} from '../../src/ops/backward/map-layers.js';
import { type Maps, recordMapInputGradient, recordMapProduct, recordMapWeightGradient } from '../../src/ops/backward/maps.js';
import { recordMeanPlaces, recordMeanPlacesGradient } from '../../src/ops/backward/mean-places.js';
import { alignUp } from '../../src/runtime/buffers.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { Rows } from '../../src/runtime/rows.js';
import { stepUniform } from '../../src/training/plan/step-scalars.js';
import {
  convolvedSide,
  keypointsGradient,
  type MapShape,
  mapNormGradient,
  maxPoolGradient,
  squareConvolution,
  squareConvolutionGradient,
} from './reference-map-gradients.js';
import { vector } from './reference-token-gradients.js';
import { rowsOf, rowsRead, rowValues } from './row-values.js';
import { runOp } from './run-op.js';
import { expectClose, Normals, type Values, valueAt, valuesOf } from './values.js';

// Layers of image encoders on a device against float64, forwards and backwards.

const TOLERANCE = { atol: 6e-6, rtol: 4e-6 };

export interface ConvolutionCase {
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly height: number;
  readonly width: number;
  readonly kernelSize: number;
  readonly stride: number;
}

export interface MapNormCase {
  readonly batch: number;
  readonly channels: number;
  readonly groupChannels: number;
  readonly length: number;
  readonly residual: boolean;
  readonly relu: boolean;
}

export interface KeypointsCase {
  readonly batch: number;
  readonly keypoints: number;
  readonly places: number;
  /** Of the scores. */
  readonly scale: number;
}

export async function checkConvolution(device: ComputeDevice, p: ConvolutionCase): Promise<void> {
  const { batch, inChannels, outChannels, height, width, kernelSize, stride } = p;
  const geometry = { kernelSize, stride, padding: kernelSize >> 1 };
  const taps = kernelSize ** 2;
  const normals = new Normals(kernelSize * 100 + inChannels);
  const x = normals.values(batch, inChannels, height * width);
  const weight = normals.floats(outChannels * inChannels * taps);
  const convolution = { x, side: { height, width }, weight, outChannels, ...geometry };
  const out = convolvedSide(convolution);
  const dy = normals.values(batch, outChannels, out.height * out.width);
  const [bias, addend] = [normals.floats(alignUp(outChannels, 4)), normals.values(batch, inChannels, height * width)];
  const [rowStride, inRows] = [alignUp(outChannels, 4), alignUp(inChannels, 4)];
  const place = (o: number, i: number, tap: number): number => (tap * inRows + i) * rowStride + o;
  const packed = new Float32Array(taps * inRows * rowStride);
  const forEachWeight = (visit: (at: number, index: number) => void): void => {
    for (let o = 0; o < outChannels; o++) {
      for (let i = 0; i < inChannels; i++) {
        for (let tap = 0; tap < taps; tap++) visit(place(o, i, tap), (o * inChannels + i) * taps + tap);
      }
    }
  };
  forEachWeight((at, index) => (packed[at] = weight[index] as number));
  const held = new Float32Array(packed.length).fill(3);

  const results = await runOp(device, (op) => {
    const gradient = op.buffer('dw', held);
    const matrix = {
      weight: { buffer: op.buffer('weight', packed) },
      gradient: { buffer: gradient },
      taps,
      inChannels,
      outChannels,
      rowStride,
      tapStride: inRows * rowStride,
    };
    const maps = (rows: Rows, side: { readonly height: number; readonly width: number }): Maps => ({ rows, ...side });
    const input = maps(rowsOf(op, x), { height, width });
    const output = maps(rowsOf(op, dy), out);
    const step = op.buffer('step', stepUniform(null, 1, true));
    const vectors = { weight: { buffer: op.buffer('bias', bias) }, gradient: { buffer: gradient }, channels: outChannels, count: 1 };
    recordMapProduct(op.builder, {
      matrix,
      geometry,
      x: input,
      y: maps(rowsRead(op, 'y', dy), out),
      bias: { vectors, index: 0 },
    });
    recordMapInputGradient(op.builder, {
      matrix,
      geometry,
      x: output,
      y: maps(rowsRead(op, 'dx', x), { height, width }),
      addend: rowsOf(op, addend),
    });
    recordMapWeightGradient(op.builder, { matrix, geometry, x: input, dy: output, step });
    op.readWords('dw', gradient);
  });

  const expected = squareConvolutionGradient(convolution, dy);
  const close = (actual: Values, wanted: Values, terms: number, what: string): void =>
    expectClose(actual, wanted, { atol: 5e-7 * terms ** 0.75, rtol: 2e-6 }, what);
  const y = squareConvolution(convolution);
  const biased = valuesOf(
    batch,
    outChannels,
    y.length,
    (b, c, t) => (y.data[(b * outChannels + c) * y.length + t] as number) + (bias[c] as number),
  );
  close(rowValues(results, 'y', dy), biased, inChannels * taps, 'y');
  const dx = { ...x, data: expected.dx.data.map((value, i) => value + (addend.data[i] as number)) };
  close(rowValues(results, 'dx', x), dx, outChannels * taps, 'dx');
  const found = new Float32Array(results.words('dw').buffer);
  const [dWeight, wanted] = [new Float64Array(weight.length), new Float64Array(weight.length)];
  forEachWeight((at, index) => {
    dWeight[index] = found[at] as number;
    // The step adds to what is there.
    wanted[index] = (expected.dWeight[index] as number) + 3;
  });
  const flat = (data: Float64Array): Values => ({ batch: 1, channels: 1, length: data.length, data });
  close(flat(dWeight), flat(wanted), batch * out.height * out.width, 'dw');
}

/** That a convolution with ReLU, and its input gradient behind one, have the bits of those without and the rule of ReLU. */
export async function checkFusedRelu(device: ComputeDevice, p: ConvolutionCase): Promise<void> {
  const { batch, inChannels, outChannels, height, width, kernelSize, stride } = p;
  const geometry = { kernelSize, stride, padding: kernelSize >> 1 };
  const normals = new Normals(outChannels);
  const out = convolvedSide({ x: normals.values(1, 1, 1), side: { height, width }, weight: new Float32Array(0), outChannels, ...geometry });
  // Half of what went in is what ReLU leaves: 0.
  const raw = normals.values(batch, inChannels, height * width);
  const x = { ...raw, data: raw.data.map((value) => Math.max(0, value)) };
  const dy = normals.values(batch, outChannels, out.height * out.width);
  const [rowStride, inRows] = [alignUp(outChannels, 4), alignUp(inChannels, 4)];
  const results = await runOp(device, (op) => {
    const weight = { buffer: op.buffer('weight', normals.floats(kernelSize ** 2 * inRows * rowStride)) };
    const matrix = {
      weight,
      gradient: undefined,
      taps: kernelSize ** 2,
      inChannels,
      outChannels,
      rowStride,
      tapStride: inRows * rowStride,
    };
    const bias = {
      vectors: { weight: { buffer: op.buffer('bias', normals.floats(rowStride)) }, gradient: undefined, channels: outChannels, count: 1 },
      index: 0,
    };
    const input: Maps = { rows: rowsOf(op, x), height, width };
    const gradient: Maps = { rows: rowsOf(op, dy), ...out };
    for (const relu of [false, true]) {
      recordMapProduct(op.builder, { matrix, geometry, x: input, y: { rows: rowsRead(op, `y ${relu}`, dy), ...out }, bias, relu });
      const dx: Maps = { rows: rowsRead(op, `dx ${relu}`, x), height, width };
      recordMapInputGradient(op.builder, { matrix, geometry, x: gradient, y: dx, ...(relu ? { activated: input.rows } : {}) });
    }
  });
  const exact = { atol: 0, rtol: 0 };
  const y = rowValues(results, 'y false', dy);
  expectClose(rowValues(results, 'y true', dy), { ...y, data: y.data.map((value) => Math.max(0, value)) }, exact, 'y');
  const dx = rowValues(results, 'dx false', x);
  expectClose(rowValues(results, 'dx true', x), { ...dx, data: dx.data.map((value, i) => (x.data[i] === 0 ? 0 : value)) }, exact, 'dx');
}

/** Means over places and their gradient behind ReLU. */
export async function checkMeanPlaces(
  device: ComputeDevice,
  p: { readonly batch: number; readonly channels: number; readonly places: number },
): Promise<void> {
  const { batch, channels, places } = p;
  const normals = new Normals(places);
  const raw = normals.values(batch, channels, places);
  const x = { ...raw, data: raw.data.map((value) => Math.max(0, value)) };
  const dy = normals.values(batch, channels, 1);
  const results = await runOp(device, (op) => {
    const input = rowsOf(op, x);
    recordMeanPlaces(op.builder, input, rowsRead(op, 'y', dy));
    recordMeanPlacesGradient(op.builder, input, rowsOf(op, dy), rowsRead(op, 'dx', x));
  });
  const mean = valuesOf(batch, channels, 1, (b, c) => {
    let sum = 0;
    for (let place = 0; place < places; place++) sum += valueAt(x, b, c, place);
    return sum / places;
  });
  expectClose(rowValues(results, 'y', dy), mean, { atol: 1e-6, rtol: 1e-6 }, 'y');
  const dx = valuesOf(batch, channels, places, (b, c, place) => (valueAt(x, b, c, place) > 0 ? valueAt(dy, b, c, 0) / places : 0));
  expectClose(rowValues(results, 'dx', x), dx, { atol: 0, rtol: 3e-7 }, 'dx');
}

export async function checkMapNorm(device: ComputeDevice, p: MapNormCase): Promise<void> {
  const { batch, channels, groupChannels, length, residual, relu } = p;
  const normals = new Normals(channels + length);
  const [x, dy, more] = [
    normals.values(batch, channels, length, 2),
    normals.values(batch, channels, length),
    normals.values(batch, channels, length),
  ];
  const [gamma, beta] = [normals.floats(channels), normals.floats(channels)];
  const results = await runOp(device, (op) => {
    const parameters = new Float32Array(2 * channels);
    parameters.set(gamma);
    parameters.set(beta, channels);
    const gradient = op.buffer('gradient', new Float32Array(2 * channels));
    const affine = { weight: { buffer: op.buffer('affine', parameters) }, gradient: { buffer: gradient }, channels, count: 2 };
    const tape = recordMapNormForward(op.builder, 'test', {
      x: rowsOf(op, x),
      affine,
      groupChannels,
      residual: residual ? rowsOf(op, more) : undefined,
      relu,
      y: rowsRead(op, 'y', x),
    });
    recordMapNormBackward(op.builder, tape, {
      dy: rowsOf(op, dy),
      dx: rowsRead(op, 'dx', x),
      dresidual: residual ? rowsRead(op, 'dz', x) : undefined,
      sums: rowsRead(op, 'sums', { batch, channels: 2 * channels, length: 1 }),
      step: op.buffer('step', stepUniform(null, 1, false)),
    });
    op.readWords('gradient', gradient);
  });
  const expected = mapNormGradient({ x, gamma, beta, groupChannels, residual: residual ? more : undefined, relu }, dy);
  expectClose(rowValues(results, 'y', x), expected.y, TOLERANCE, 'y');
  expectClose(rowValues(results, 'dx', x), expected.dx, TOLERANCE, 'dx');
  if (residual) expectClose(rowValues(results, 'dz', x), expected.dz, { atol: 0, rtol: 0 }, 'dz');
  const gradient = new Float32Array(results.words('gradient').buffer);
  const sums = { atol: 3e-5, rtol: 4e-6 };
  expectClose(vector(gradient.subarray(0, channels)), vector(expected.dGamma), sums, 'dgamma');
  expectClose(vector(gradient.subarray(channels)), vector(expected.dBeta), sums, 'dbeta');
}

export async function checkMaxPool(device: ComputeDevice, { height, width }: MapShape): Promise<void> {
  const [batch, channels] = [2, 7];
  const normals = new Normals(height);
  // After a ReLU: half of all values are 0, and the others are few.
  const x = valuesOf(batch, channels, height * width, () => Math.max(0, Math.round(normals.next())));
  const out = { height: Math.floor((height - 1) / 2) + 1, width: Math.floor((width - 1) / 2) + 1 };
  const dy = normals.values(batch, channels, out.height * out.width);
  const results = await runOp(device, (op) => {
    const maps = { rows: rowsOf(op, x), height, width };
    const tape = recordMaxPoolForward(op.builder, 'test', maps, { rows: rowsRead(op, 'y', dy), ...out });
    recordMaxPoolBackward(op.builder, tape, rowsOf(op, dy), rowsRead(op, 'dx', x));
  });
  const expected = maxPoolGradient(x, { height, width }, (b, c, place) => valueAt(dy, b, c, place));
  expectClose(rowValues(results, 'y', dy), expected.y, { atol: 0, rtol: 0 }, 'y');
  expectClose(rowValues(results, 'dx', x), expected.dx, { atol: 1e-6, rtol: 1e-6 }, 'dx');
}

export async function checkKeypoints(device: ComputeDevice, { batch, keypoints, places, scale }: KeypointsCase): Promise<void> {
  const normals = new Normals(places);
  const x = normals.values(batch, keypoints, places, scale);
  const [grid, dy] = [normals.floats(2 * places), normals.values(batch, 2 * keypoints, 1)];
  const results = await runOp(device, (op) => {
    const table = { buffer: op.buffer('grid', grid) };
    const tape = recordKeypointsForward(op.builder, 'test', rowsOf(op, x), table, rowsRead(op, 'y', dy));
    recordKeypointsBackward(op.builder, tape, rowsOf(op, dy), rowsRead(op, 'dx', x));
  });
  const expected = keypointsGradient(x, grid, dy);
  expectClose(rowValues(results, 'y', dy), expected.y, TOLERANCE, 'y');
  expectClose(rowValues(results, 'dx', x), expected.dx, TOLERANCE, 'dx');
}
