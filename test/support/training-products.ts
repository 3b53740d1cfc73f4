import { describe, expect, it } from 'vitest';
import { recordInputGradient, recordProduct } from '../../src/ops/backward/rows-product.js';
import { recordVectorGradient, recordWeightGradient } from '../../src/ops/backward/weight-gradient.js';
import type { DeviceClass } from '../../src/runtime/device-class.js';
import { rowChannels } from '../../src/runtime/rows.js';
import { useTestDevice } from './device.js';
import { type LinearMap, linearGradients, outLength } from './reference-gradients.js';
import { runOp } from './run-op.js';
import { floatsOf, inputRows, matrixGradient, outputRows, stepBuffer, trainedMatrix, trainedVectors } from './training-op.js';
import { expectClose, Normals, type Tolerance, type Values, valueAt, valuesOf } from './values.js';

type Case = Omit<LinearMap, 'weight'> & {
  readonly what: string;
  readonly inChannels: number;
  readonly length: number;
  readonly batch: number;
};

const CASES: readonly Case[] = [
  { what: 'odd channels', inChannels: 6, outChannels: 10, kernelSize: 5, stride: 1, padding: 2, transposed: false, length: 7, batch: 3 },
  { what: 'stride, even', inChannels: 9, outChannels: 5, kernelSize: 3, stride: 2, padding: 1, transposed: false, length: 8, batch: 2 },
  { what: 'stride, odd', inChannels: 4, outChannels: 7, kernelSize: 3, stride: 2, padding: 1, transposed: false, length: 7, batch: 3 },
  { what: 'transposed', inChannels: 5, outChannels: 9, kernelSize: 4, stride: 2, padding: 1, transposed: true, length: 5, batch: 3 },
  { what: 'linear', inChannels: 35, outChannels: 9, kernelSize: 1, stride: 1, padding: 0, transposed: false, length: 1, batch: 5 },
  { what: 'one place', inChannels: 3, outChannels: 2, kernelSize: 3, stride: 1, padding: 1, transposed: false, length: 1, batch: 2 },
  // More than a tile of rows and of channels, more than a block of rows.
  { what: 'many', inChannels: 70, outChannels: 66, kernelSize: 3, stride: 1, padding: 1, transposed: false, length: 16, batch: 35 },
];

/** For sums of products of unit normals: a few roundings of their size, √(terms). */
const tolerance = (terms: number): Tolerance => ({ atol: 2e-6 * Math.sqrt(terms), rtol: 1e-6 });

const asValues = (data: ArrayLike<number>): Values => ({ batch: 1, channels: data.length, length: 1, data: Float64Array.from(data) });

/** Tests of products over rows and their gradients, with the variants of a class of devices (undefined: of the adapter). */
export function testTrainingProducts(deviceClass: DeviceClass | undefined): void {
  describe(`products over rows and their gradients, class ${deviceClass ?? 'of the adapter'}`, () => {
    const device = useTestDevice(deviceClass === undefined ? {} : { deviceClass });

    it.each(CASES)('$what', async (shape) => {
      const { inChannels, outChannels, kernelSize, batch, length } = shape;
      const random = new Normals(inChannels);
      const map: LinearMap = { ...shape, weight: Float64Array.from(random.floats(inChannels * outChannels * kernelSize)) };
      const places = outLength(map, length);
      const x = random.values(batch, inChannels, length);
      const dy = random.values(batch, outChannels, places);
      const bias = random.floats(outChannels);
      const addend = random.values(batch, inChannels, length);
      const expected = linearGradients(map, x, dy);
      const results = await runOp(device(), (op) => {
        const { builder } = op;
        const matrix = trainedMatrix(op, 'dw', map, inChannels, NaN);
        const geometry = map;
        const rows = { x: inputRows(op, x), dy: inputRows(op, dy) };
        const vectors = trainedVectors(op, 'db', [bias], NaN);
        const step = stepBuffer(op);
        recordProduct(builder, { matrix, geometry, x: rows.x, y: outputRows(op, 'plain', batch, places, outChannels) });
        recordProduct(builder, {
          matrix,
          geometry,
          x: rows.x,
          y: outputRows(op, 'y', batch, places, outChannels),
          bias: { vectors, index: 0 },
        });
        recordInputGradient(builder, {
          matrix,
          geometry,
          x: rows.dy,
          y: outputRows(op, 'dx', batch, length, inChannels),
          addend: inputRows(op, addend),
        });
        recordWeightGradient(builder, { matrix, geometry, x: rows.x, dy: rows.dy, step });
        recordVectorGradient(builder, vectors, 0, rows.dy, step);
        // The second time they are added.
        const more = trainedMatrix(op, 'dw + 3', map, inChannels, 3);
        recordWeightGradient(builder, { matrix: more, geometry, x: rows.x, dy: rows.dy, step: stepBuffer(op, { accumulate: true }) });
        const moreVectors = trainedVectors(op, 'db + 3', [bias], 3);
        recordVectorGradient(builder, moreVectors, 0, rows.dy, stepBuffer(op, { accumulate: true }));
      });
      const terms = inChannels * kernelSize;
      expectClose(results.values('plain'), expected.y, tolerance(terms), 'y without bias');
      const withBias = valuesOf(batch, outChannels, places, (b, o, t) => valueAt(expected.y, b, o, t) + (bias[o] as number));
      expectClose(results.values('y'), withBias, tolerance(terms), 'y');
      const dx = { ...expected.dx, data: expected.dx.data.map((value, i) => value + (addend.data[i] as number)) };
      expectClose(results.values('dx'), dx, tolerance(outChannels * kernelSize), 'dx');
      const rows = batch * places;
      expectClose(asValues(matrixGradient(results.words('dw'), map, inChannels)), asValues(expected.dw), tolerance(rows), 'dw');
      expectClose(asValues(floatsOf(results.words('db')).subarray(0, outChannels)), asValues(expected.db), tolerance(rows), 'db');
      const three = (values: Float64Array): Values => asValues(values.map((value) => value + 3));
      expectClose(asValues(matrixGradient(results.words('dw + 3'), map, inChannels)), three(expected.dw), tolerance(rows), 'dw added');
      expectClose(asValues(floatsOf(results.words('db + 3')).subarray(0, outChannels)), three(expected.db), tolerance(rows), 'db added');
    });

    it('reads and writes channels of wider rows, and leaves their neighbours alone', async () => {
      const random = new Normals(8);
      const shape = { outChannels: 8, kernelSize: 3, stride: 1, padding: 1, transposed: false };
      const map: LinearMap = { ...shape, weight: Float64Array.from(random.floats(8 * 4 * 3)) };
      const x = random.values(2, 12, 4);
      const before = random.values(2, 16, 4);
      const expected = linearGradients(
        map,
        valuesOf(2, 4, 4, (b, c, t) => valueAt(x, b, c + 8, t)),
        before,
      );
      const results = await runOp(device(), (op) => {
        const y = outputRows(op, 'y', 2, 4, 16);
        op.write({ ...y, layout: { offset: 0, batchStride: 64, channelStride: 1, timeStride: 16 } }, before);
        const matrix = trainedMatrix(op, 'dw', map, 4, 0);
        recordProduct(op.builder, { matrix, geometry: map, x: rowChannels(inputRows(op, x), 8, 4), y: rowChannels(y, 4, 8) });
      });
      const whole = valuesOf(2, 16, 4, (b, c, t) => (c >= 4 && c < 12 ? valueAt(expected.y, b, c - 4, t) : valueAt(before, b, c, t)));
      expectClose(results.values('y'), whole, tolerance(12), 'y');
    });

    it('refuses shapes that do not fit', async () => {
      await runOp(device(), (op) => {
        const shape = { outChannels: 4, kernelSize: 3, stride: 1, padding: 1, transposed: false };
        const matrix = trainedMatrix(op, 'dw', { ...shape, weight: new Float64Array(48) }, 4, 0);
        const rows = (length: number, channels = 4) => outputRows(op, `${length} ${channels} ${Math.random()}`, 1, length, channels);
        expect(() => recordProduct(op.builder, { matrix, geometry: shape, x: rows(4), y: rows(5) })).toThrow('places');
        expect(() => recordProduct(op.builder, { matrix, geometry: shape, x: rows(4, 8), y: rows(4) })).toThrow('weights 4 -> 4');
        expect(() => recordInputGradient(op.builder, { matrix, geometry: shape, x: rows(4), y: rows(4, 8) })).toThrow('weights 4 -> 4');
        expect(() => rowChannels(rows(4), 2, 2)).toThrow('multiple of four');
        recordProduct(op.builder, { matrix, geometry: shape, x: rows(4), y: rows(4) });
      });
    });
  });
}
