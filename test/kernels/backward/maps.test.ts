import { describe, expect, it } from 'vitest';
import { type Maps, recordMapInputGradient, recordMapProduct, recordMapWeightGradient } from '../../../src/ops/backward/maps.js';
import { alignUp } from '../../../src/runtime/buffers.js';
import type { Rows } from '../../../src/runtime/rows.js';
import { stepUniform } from '../../../src/training/plan/step-scalars.js';
import { useTestDevice } from '../../support/device.js';
import { convolvedSide, squareConvolution, squareConvolutionGradient } from '../../support/reference-map-gradients.js';
import { finiteDifferences, inner } from '../../support/reference-token-gradients.js';
import { rowsOf, rowsRead, rowValues } from '../../support/row-values.js';
import { runOp } from '../../support/run-op.js';
import { expectClose, Normals, type Values, valuesOf } from '../../support/values.js';

interface Case {
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly height: number;
  readonly width: number;
  readonly kernelSize: number;
  readonly stride: number;
}

const CASES: readonly Case[] = [
  { batch: 1, inChannels: 3, outChannels: 5, height: 9, width: 12, kernelSize: 7, stride: 2 },
  { batch: 2, inChannels: 6, outChannels: 40, height: 5, width: 7, kernelSize: 3, stride: 1 },
  { batch: 3, inChannels: 37, outChannels: 9, height: 6, width: 5, kernelSize: 3, stride: 2 },
  { batch: 2, inChannels: 8, outChannels: 33, height: 5, width: 4, kernelSize: 1, stride: 2 },
  { batch: 1, inChannels: 5, outChannels: 4, height: 1, width: 1, kernelSize: 1, stride: 1 },
];

describe('convolutions over maps and their gradients', () => {
  const device = useTestDevice();

  it.each(CASES)(
    '$kernelSize × $kernelSize, stride $stride, $inChannels -> $outChannels over $height × $width, batch $batch',
    async (p) => {
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

      const results = await runOp(device(), (op) => {
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
    },
  );
});

describe('the reference of convolutions over maps', () => {
  it('agrees with finite differences', () => {
    const normals = new Normals(3);
    const x = normals.values(1, 2, 20);
    const p = { x, side: { height: 4, width: 5 }, weight: normals.floats(3 * 2 * 9), outChannels: 3, kernelSize: 3, stride: 2, padding: 1 };
    const out = convolvedSide(p);
    const dy = normals.values(1, 3, out.height * out.width);
    const { dx } = squareConvolutionGradient(p, dy);
    const slopes = finiteDifferences(x, (at) => inner(squareConvolution({ ...p, x: at }), dy));
    expectClose(dx, slopes, { atol: 1e-8, rtol: 1e-7 }, 'dx');
  });
});

describe('a convolution over maps', () => {
  const device = useTestDevice();
  it('refuses maps of other sizes', async () => {
    const normals = new Normals(1);
    const recorded = runOp(device(), (op) => {
      const buffer = op.buffer('w', normals.floats(144));
      const matrix = { weight: { buffer }, gradient: { buffer }, taps: 9, inChannels: 4, outChannels: 4, rowStride: 4, tapStride: 16 };
      const side = { height: 3, width: 3 };
      const [x, y] = [rowsOf(op, normals.values(1, 4, 9)), rowsOf(op, normals.values(1, 4, 9))];
      recordMapProduct(op.builder, {
        matrix,
        geometry: { kernelSize: 3, stride: 2, padding: 1 },
        x: { rows: x, ...side },
        y: { rows: y, ...side },
      });
    });
    await expect(recorded).rejects.toThrow(
      'map_product: weights 4 -> 4 with 9 taps, windows of 3, stride 2; what goes in is 1x4x3x3, what comes out 1x4x3x3',
    );
  });
});
