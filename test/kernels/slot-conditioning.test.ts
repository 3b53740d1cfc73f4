import { describe, expect, it } from 'vitest';
import { recordSlotConditioning } from '../../src/ops/slot-conditioning.js';
import { asTokens } from '../../src/runtime/tensor.js';
import { useTestDevice } from '../support/device.js';
import { mish } from '../support/reference.js';
import { runOp } from '../support/run-op.js';
import { expectClose, expectSameBits, Normals, valuesOf } from '../support/values.js';

const device = useTestDevice();

describe('slot conditioning', () => {
  it.each([
    [1, 1, 1, 1],
    [3, 7, 5, 4],
    [2, 64, 6, 13],
  ])('batch %i, %i slots: embeddings of %i, observations of %i', async (batch, slots, width, observed) => {
    const normals = new Normals(batch);
    const [embeddings, observation] = [normals.floats(slots * width), normals.floats(batch * observed)];
    const results = await runOp(device(), (op) => {
      const conditioning = asTokens(op.buffer('observation', observation), batch, 1, observed);
      const [y, activated] = ['y', 'activated'].map((name) => op.output(name, batch, width + observed, slots, 'tokens')) as [
        typeof conditioning,
        typeof conditioning,
      ];
      recordSlotConditioning(op.builder, op.buffer('embeddings', embeddings), conditioning, y, activated);
    });
    const expected = valuesOf(batch, width + observed, slots, (b, c, t) =>
      c < width ? (embeddings[t * width + c] as number) : (observation[b * observed + c - width] as number),
    );
    expectSameBits(results.values('y'), expected, 'y');
    expectClose(results.values('activated'), { ...expected, data: expected.data.map(mish) }, { atol: 2e-6, rtol: 2e-6 }, 'activated');
  });

  it('refuses tokens that do not fit together', async () => {
    const shapes = async (embedded: number, batch: number): Promise<void> => {
      await runOp(device(), (op) => {
        const conditioning = asTokens(op.buffer('observation', new Float32Array(8)), batch, 1, 4);
        const y = op.output('y', 2, embedded + 4, 3, 'tokens');
        recordSlotConditioning(op.builder, op.buffer('embeddings', new Float32Array(64)), conditioning, y, y);
      });
    };
    await expect(shapes(0, 2)).rejects.toThrow(/slot conditioning: tokens of 4/);
    await expect(shapes(2, 1)).rejects.toThrow(TypeError);
  });
});
