import { describe, expect, it } from 'vitest';
import { recordLayerNormBackward, recordLayerNormForward } from '../../../src/ops/backward/trained-layer-norm.js';
import { alignUp } from '../../../src/runtime/buffers.js';
import { stepUniform } from '../../../src/training/plan/step-scalars.js';
import { useTestDevice } from '../../support/device.js';
import { layerNorm } from '../../support/reference.js';
import { layerNormGradient, vector } from '../../support/reference-token-gradients.js';
import { type OpResults, runOp } from '../../support/run-op.js';
import { expectClose, Normals, type Values, valueAt, valuesOf } from '../../support/values.js';

const TOLERANCE = { atol: 5e-6, rtol: 3e-6 };

describe.each([undefined, 'gpu'] as const)('layer norm and its gradients, class %s', (deviceClass) => {
  const device = useTestDevice(deviceClass ? { deviceClass } : {});

  async function run(x: Values, { added = false, accumulate = false } = {}): Promise<OpResults & { readonly check: () => void }> {
    const { batch, channels, length } = x;
    const width = alignUp(channels, 4);
    const normals = new Normals(channels);
    const [gamma, beta] = [normals.floats(channels), normals.floats(channels)];
    const [dy, more] = [normals.values(batch, channels, length), normals.values(batch, channels, length)];
    const held = new Float32Array(2 * width).fill(10);
    const results = await runOp(device(), (op) => {
      const parameters = new Float32Array(2 * width);
      parameters.set(gamma);
      parameters.set(beta, width);
      const gradient = op.buffer('gradient', held);
      const affine = { weight: { buffer: op.buffer('affine', parameters) }, gradient: { buffer: gradient }, channels, count: 2 };
      const tape = recordLayerNormForward(op.builder, 'test', {
        x: op.input(x, 'tokens'),
        affine,
        y: op.output('y', batch, channels, length, 'tokens'),
      });
      recordLayerNormBackward(op.builder, 'test', tape, {
        dy: op.input(dy, 'tokens'),
        added: added ? op.input(more, 'tokens') : undefined,
        dx: op.output('dx', batch, channels, length, 'tokens'),
        step: op.buffer('step', stepUniform(null, 1, accumulate)),
      });
      op.readWords('gradient', gradient);
    });
    const expected = layerNormGradient(x, gamma, dy);
    const dx = { ...x, data: expected.dx.data.map((value, i) => value + (added ? (more.data[i] as number) : 0)) };
    const gradient = new Float32Array(results.words('gradient').buffer);
    const check = (): void => {
      expectClose(results.values('y'), layerNorm(x, gamma, beta), TOLERANCE, 'y');
      expectClose(results.values('dx'), dx, TOLERANCE, 'dx');
      const sums = { atol: 2e-5, rtol: 3e-6 };
      const before = accumulate ? 10 : 0;
      expectClose(vector(gradient.subarray(0, channels)), vector(expected.dGamma.map((value) => value + before)), sums, 'dgamma');
      const shift = gradient.subarray(width, width + channels);
      expectClose(vector(shift), vector(expected.dBeta.map((value) => value + before)), sums, 'dbeta');
    };
    return { ...results, check };
  }

  it.each([
    { channels: 1, length: 3, batch: 1, added: false },
    { channels: 5, length: 1, batch: 2, added: true },
    { channels: 32, length: 17, batch: 5, added: false },
    { channels: 131, length: 11, batch: 3, added: true },
  ])('$batch × $length tokens of $channels channels, something added: $added', async ({ channels, length, batch, added }) => {
    (await run(new Normals(length).values(batch, channels, length, 3), { added })).check();
  });

  it('adds to what the gradients of scale and shift hold, where the step says so', async () => {
    (await run(new Normals(4).values(2, 8, 5), { accumulate: true })).check();
  });

  it('gives an input gradient that sums to 0 over a row, as does its product with the normalised row', async () => {
    const x = new Normals(9).values(2, 40, 3);
    const dx = (await run(x)).values('dx');
    const sums = valuesOf(2, 2, 3, (b, kind, t) => {
      let sum = 0;
      for (let c = 0; c < 40; c++) sum += valueAt(dx, b, c, t) * (kind === 0 ? 1 : valueAt(x, b, c, t));
      return sum;
    });
    for (const sum of sums.data) expect(Math.abs(sum)).toBeLessThan(5e-4);
  });
});
