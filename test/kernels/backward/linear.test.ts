import { describe, expect, it } from 'vitest';
import { recordLinearGradient, recordLinearTraining } from '../../../src/ops/backward/linear.js';
import { useTestDevice } from '../../support/device.js';
import { runOp } from '../../support/run-op.js';
import { expectClose, Normals, type Values, valueAt, valuesOf } from '../../support/values.js';

interface Case {
  readonly batch: number;
  readonly length: number;
  readonly inChannels: number;
  readonly outChannels: number;
  /** Output channels of the stored matrix before and after those that are used. */
  readonly before: number;
  readonly after: number;
  readonly keeps: boolean;
}

/** Sums of n products of standard normals, and as many roundings. */
function tolerance(terms: number): { atol: number; rtol: number } {
  return { atol: 4e-7 * terms ** 0.75, rtol: 2e-6 };
}

describe.each([undefined, 'gpu'] as const)('a linear layer and its gradients, class %s', (deviceClass) => {
  const device = useTestDevice(deviceClass ? { deviceClass } : {});

  async function run(c: Case): Promise<void> {
    const { batch, length, inChannels, outChannels, before, after, keeps } = c;
    const stored = before + outChannels + after;
    const normals = new Normals(inChannels * 7 + outChannels);
    const [x, dy] = [normals.values(batch, inChannels, length), normals.values(batch, outChannels, length)];
    const held = normals.values(batch, inChannels, length);
    const [weight, bias] = [normals.floats(stored * inChannels), normals.floats(stored)];
    const [heldWeight, heldBias] = [normals.floats(stored * inChannels), normals.floats(stored)];
    const results = await runOp(device(), (op) => {
      const linear = {
        inChannels,
        outChannels,
        weight: { buffer: op.buffer('weight', weight) },
        bias: { buffer: op.buffer('bias', bias) },
        firstRow: before,
      };
      const [dWeight, dBias] = [op.buffer('dWeight', heldWeight), op.buffer('dBias', heldBias)];
      const input = op.input(x, 'tokens');
      recordLinearTraining(op.builder, linear, input, op.output('y', batch, outChannels, length, 'tokens'));
      const dx = op.output('dx', batch, inChannels, length, 'tokens');
      if (keeps) op.write(dx, held);
      recordLinearGradient(op.builder, 'test', linear, {
        x: input,
        dy: op.input(dy, 'tokens'),
        gradients: { weight: { buffer: dWeight }, bias: { buffer: dBias } },
        dx: { tensor: dx, keeps },
      });
      op.readWords('dWeight', dWeight);
      op.readWords('dBias', dBias);
    });
    const w = (o: number, i: number): number => weight[(before + o) * inChannels + i] as number;
    const sum = (count: number, term: (k: number) => number): number => {
      let total = 0;
      for (let k = 0; k < count; k++) total += term(k);
      return total;
    };
    const y = valuesOf(
      batch,
      outChannels,
      length,
      (b, o, t) => (bias[before + o] as number) + sum(inChannels, (i) => w(o, i) * valueAt(x, b, i, t)),
    );
    const dx = valuesOf(
      batch,
      inChannels,
      length,
      (b, i, t) => (keeps ? valueAt(held, b, i, t) : 0) + sum(outChannels, (o) => w(o, i) * valueAt(dy, b, o, t)),
    );
    const rows = batch * length;
    const at = (values: Values, c_: number, row: number): number => valueAt(values, Math.floor(row / length), c_, row % length);
    const used = (o: number): boolean => o >= before && o < before + outChannels;
    const dWeight = valuesOf(
      1,
      stored,
      inChannels,
      (_b, o, i) =>
        (heldWeight[o * inChannels + i] as number) + (used(o) ? sum(rows, (row) => at(dy, o - before, row) * at(x, i, row)) : 0),
    );
    const dBias = valuesOf(1, stored, 1, (_b, o) => (heldBias[o] as number) + (used(o) ? sum(rows, (row) => at(dy, o - before, row)) : 0));
    const words = (name: string, shape: Values): Values => ({
      ...shape,
      data: Float64Array.from(new Float32Array(results.words(name).buffer)),
    });
    expectClose(results.values('y'), y, tolerance(inChannels), 'y');
    expectClose(results.values('dx'), dx, tolerance(outChannels), 'dx');
    expectClose(words('dWeight', dWeight), dWeight, tolerance(rows), 'dweight');
    expectClose(words('dBias', dBias), dBias, tolerance(rows), 'dbias');
  }

  it.each<Case>([
    { batch: 1, length: 1, inChannels: 1, outChannels: 1, before: 0, after: 0, keeps: false },
    { batch: 3, length: 5, inChannels: 18, outChannels: 7, before: 0, after: 0, keeps: true },
    { batch: 2, length: 17, inChannels: 33, outChannels: 65, before: 3, after: 2, keeps: false },
    { batch: 5, length: 107, inChannels: 6, outChannels: 36, before: 4, after: 0, keeps: false },
  ])('$batch × $length tokens, $inChannels -> $outChannels, rows before $before, keeps dx: $keeps', run);
});

describe('a linear layer', () => {
  const device = useTestDevice();
  it('refuses tokens of another width', async () => {
    const normals = new Normals(1);
    const recorded = runOp(device(), (op) => {
      const buffer = op.buffer('w', normals.floats(12));
      const linear = { inChannels: 3, outChannels: 4, weight: { buffer }, bias: { buffer }, firstRow: 0 };
      recordLinearTraining(op.builder, linear, op.input(normals.values(1, 2, 3), 'tokens'), op.output('y', 1, 4, 3, 'tokens'));
    });
    await expect(recorded).rejects.toThrow('linear: 3 -> 4 channels; one side is 1x3 tokens of 2, the other 1x3 of 4');
  });
});
