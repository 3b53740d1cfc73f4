import { describe, expect, it } from 'vitest';
import { roundToF16 } from '../../src/foundation/half.js';
import { recordMapInputGradient, recordMapProduct } from '../../src/ops/backward/maps.js';
import { recordInputGradient, recordProduct } from '../../src/ops/backward/rows-product.js';
import type { TrainedMatrix } from '../../src/ops/backward/trained-weights.js';
import type { DeviceClass } from '../../src/runtime/device-class.js';
import type { Rows } from '../../src/runtime/rows.js';
import { useTestDevice } from './device.js';
import { type OpRecorder, runOp } from './run-op.js';
import { inputRows, outputRows, trainedMatrix } from './training-op.js';
import { Normals } from './values.js';

const MAPS = { batch: 2, inChannels: 6, outChannels: 10 };

/** That products of halves have the bits of products of rounded weights, with the variants of a class of devices (undefined: of the adapter). */
export function testHalvedProducts(deviceClass: DeviceClass | undefined): void {
  describe(`products of halves, class ${deviceClass ?? 'of the adapter'}, have the bits of products of rounded weights`, () => {
    const device = useTestDevice(deviceClass === undefined ? {} : { deviceClass });

    /** Both ways in one plan: matrices of the rounded values, as f32 and as halves. */
    async function bothWays(
      shape: { readonly inChannels: number; readonly outChannels: number; readonly kernelSize: number; readonly transposed: boolean },
      record: (op: OpRecorder, matrix: TrainedMatrix, name: (what: string) => string) => void,
    ): Promise<void> {
      const { inChannels, outChannels, kernelSize } = shape;
      const rounded = new Normals(outChannels).floats(inChannels * outChannels * kernelSize);
      roundToF16(rounded);
      const map = { ...shape, weight: Float64Array.from(rounded), stride: 1, padding: 0 };
      const results = await runOp(device(), (op) => {
        for (const precision of ['f32', 'f16']) {
          const matrix = trainedMatrix(op, `dw ${precision}`, map, inChannels, 0, precision === 'f16');
          record(op, matrix, (what) => `${what} ${precision}`);
        }
      });
      for (const what of ['y', 'dx']) {
        const bits = (name: string): string => Buffer.from(results.values(name).data.buffer).toString('base64');
        expect(results.values(`${what} f32`).data.some((value) => Math.abs(value) > 0.1)).toBe(true);
        expect(bits(`${what} f16`), what).toBe(bits(`${what} f32`));
      }
    }

    it.each([
      { inChannels: 6, outChannels: 10, kernelSize: 5, stride: 1, padding: 2, transposed: false, length: 7, places: 7 },
      { inChannels: 9, outChannels: 5, kernelSize: 3, stride: 2, padding: 1, transposed: false, length: 8, places: 4 },
      { inChannels: 5, outChannels: 9, kernelSize: 4, stride: 2, padding: 1, transposed: true, length: 5, places: 10 },
      { inChannels: 70, outChannels: 66, kernelSize: 1, stride: 1, padding: 0, transposed: false, length: 3, places: 3 },
    ])('over rows: $inChannels to $outChannels, $kernelSize taps, stride $stride', async ({ length, places, ...shape }) => {
      const random = new Normals(1);
      const [x, dy] = [random.values(3, shape.inChannels, length), random.values(3, shape.outChannels, places)];
      await bothWays(shape, (op, matrix, name) => {
        const output = (what: string, rows: number, channels: number): Rows => outputRows(op, name(what), 3, rows, channels);
        recordProduct(op.builder, { matrix, geometry: shape, x: inputRows(op, x), y: output('y', places, shape.outChannels) });
        recordInputGradient(op.builder, { matrix, geometry: shape, x: inputRows(op, dy), y: output('dx', length, shape.inChannels) });
      });
    });

    it('over maps', async () => {
      const { batch, inChannels, outChannels } = MAPS;
      const random = new Normals(2);
      const [x, dy] = [random.values(batch, inChannels, 30), random.values(batch, outChannels, 9)];
      const geometry = { kernelSize: 3, stride: 2, padding: 1 };
      await bothWays({ inChannels, outChannels, kernelSize: 9, transposed: false }, (op, matrix, name) => {
        const maps = (rows: Rows, height: number, width: number) => ({ rows, height, width });
        const [y, dx] = [outputRows(op, name('y'), batch, 9, outChannels), outputRows(op, name('dx'), batch, 30, inChannels)];
        recordMapProduct(op.builder, { matrix, geometry, x: maps(inputRows(op, x), 5, 6), y: maps(y, 3, 3) });
        recordMapInputGradient(op.builder, { matrix, geometry, x: maps(inputRows(op, dy), 3, 3), y: maps(dx, 5, 6) });
      });
    });
  });
}
