import { describe, expect, it } from 'vitest';
import { RESULT_BYTES, recordStepResult, recordUpdate } from '../../src/ops/backward/optimizer.js';
import { stepUniform } from '../../src/training/plan/step-scalars.js';
import { useTestDevice } from '../support/device.js';
import { runOp } from '../support/run-op.js';
import { packedHalves } from '../support/training-op.js';
import { UPDATE } from '../support/unet-training.js';
import { Normals } from '../support/values.js';

/** Ties in both directions, the border of subnormals and of what a half holds, and zeros. */
const CORNERS = [
  ...[0, -0, 1, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -11 + 2 ** -23, 1 + 2 ** -11 - 2 ** -23],
  ...[
    2 ** -14,
    2 ** -14 - 2 ** -25,
    2 ** -14 - 2 ** -26,
    2 ** -15 + 2 ** -25,
    3 * 2 ** -25,
    2 ** -24,
    2 ** -25,
    2 ** -25 + 2 ** -40,
    1e-30,
  ],
  ...[65_504, 65_519.996, 65_520, 1e30, 1 / 3, 0.1],
].flatMap((value) => [value, -value]);

describe('weights as halves', () => {
  const device = useTestDevice();

  it.each([false, true])(
    'are what the optimiser makes of its weights, rounded to nearest, ties to even; moving average: %s',
    async (ema) => {
      const random = new Normals(3);
      const count = 4096;
      const weights = Float32Array.from({ length: count }, (_, i) => CORNERS[i] ?? random.floats(1, 10 ** ((i % 12) - 8))[0]!);
      // Some move, and are to be rounded after that; corners stay.
      const gradients = Float32Array.from({ length: count }, (_, i) => (i < CORNERS.length || i % 2 === 0 ? 0 : 1));
      const scalars = { ...UPDATE, weightDecay: 0, clipNorm: null, emaDecay: ema ? 0.5 : null };
      const results = await runOp(device(), (op) => {
        const zeros = (label: string) => op.buffer(label, new Float32Array(count));
        const weight = op.buffer('weight', weights);
        const halves = op.buffer('halves', new Uint32Array(count / 2).fill(0xabcdabcd));
        op.readWords('weight', weight);
        op.readWords('halves', halves);
        const gradient = op.buffer('gradient', gradients);
        const [firstMoment, secondMoment, average] = [zeros('first'), zeros('second'), zeros('ema')];
        const arenas = [{ weight, gradient, firstMoment, secondMoment, ema: ema ? average : undefined, halves }];
        const step = op.buffer('step', stepUniform(scalars, 1, false));
        const result = op.builder.buffer('result', RESULT_BYTES);
        recordStepResult(op.builder, arenas, op.buffer('losses', new Float32Array(1)), 1, step, result);
        recordUpdate(op.builder, arenas, step, result, ema);
      });
      const words = results.words('weight');
      const after = new Float32Array(words.buffer, words.byteOffset, count);
      expect([...after.subarray(0, CORNERS.length)]).toEqual(CORNERS.map(Math.fround));
      expect(after.findIndex((value, i) => gradients[i] === 1 && value === weights[i])).toBe(-1);
      expect([...results.words('halves')]).toEqual([...packedHalves(after)]);
    },
  );

  it('stay as they are where an update is refused', async () => {
    const results = await runOp(device(), (op) => {
      const copy = (label: string, value: number) => op.buffer(label, new Float32Array(64).fill(value));
      const halves = op.buffer('halves', new Uint32Array(32).fill(7));
      op.readWords('halves', halves);
      const [weight, gradient] = [copy('weight', 1), copy('gradient', NaN)];
      const arenas = [{ weight, gradient, firstMoment: copy('first', 0), secondMoment: copy('second', 0), ema: undefined, halves }];
      const step = op.buffer('step', stepUniform({ ...UPDATE, emaDecay: null }, 1, false));
      const result = op.builder.buffer('result', RESULT_BYTES);
      recordStepResult(op.builder, arenas, copy('losses', 0), 1, step, result);
      recordUpdate(op.builder, arenas, step, result, false);
    });
    expect(new Set(results.words('halves'))).toEqual(new Set([7]));
  });
});
