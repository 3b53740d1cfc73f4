import { describe, expect, it } from 'vitest';
import { loadConv1d, recordConv1d } from '../../src/ops/conv1d.js';
import { broadcast, channelRange, timeRange } from '../../src/runtime/tensor.js';
import { type ConvCase, convInputs, describeConv, expectedConvolution, runConvolutions } from '../support/conv-case.js';
import { useTestDevice } from '../support/device.js';
import { convolution } from '../support/reference.js';
import { runOp } from '../support/run-op.js';
import { expectClose, Normals, type Tolerance, valueAt, valuesOf } from '../support/values.js';

/** For sums of unit size; the largest error measured is half of this. */
const TOLERANCE: Tolerance = { atol: 2e-6, rtol: 1e-6 };

const device = useTestDevice();

async function expectReference(shapes: readonly ConvCase[], tolerance = TOLERANCE): Promise<void> {
  const cases = shapes.map((shape, index) => ({ shape, inputs: convInputs(shape, index + 1) }));
  const results = await runConvolutions(device(), cases);
  results.forEach((actual, index) => {
    const { shape, inputs } = cases[index] as (typeof cases)[number];
    expectClose(actual, expectedConvolution(shape, inputs), tolerance, describeConv(shape));
  });
}

describe('conv1d', () => {
  // Pipelines differ by geometry, so the columns are few here; channels and batch vary along and cost nothing.
  const channels = [1, 2, 3, 5, 7, 40];
  it.each([1, 3, 5, 7])('kernel size %i with every stride and padding', async (kernelSize) => {
    const shapes = [1, 2, 3].flatMap((stride) =>
      [0, 1, 2, 3].map(
        (padding, i): ConvCase => ({
          kernelSize,
          stride,
          padding,
          inLength: kernelSize + ((stride + i) % 3),
          inChannels: channels[(stride + i + kernelSize) % 6] as number,
          outChannels: channels[(stride * 3 + i) % 6] as number,
          batch: 1 + (i % 3),
        }),
      ),
    );
    await expectReference(shapes);
  });

  it('one column', async () => {
    const base = { inChannels: 5, outChannels: 7, inLength: 1 } as const;
    const padded = [1, 3, 5].map((kernelSize) => ({ ...base, kernelSize, padding: kernelSize >> 1 }));
    // The last one meets padding alone.
    await expectReference([...padded, { ...base, kernelSize: 1, stride: 3, padding: 1 }]);
  });

  it('more columns than one tile: a partial last tile, even tiles, a stride that reads far apart', async () => {
    await expectReference([
      { inChannels: 3, outChannels: 5, inLength: 17, kernelSize: 3, padding: 1, batch: 2 },
      { inChannels: 2, outChannels: 40, inLength: 64, kernelSize: 1, batch: 2 },
      { inChannels: 7, outChannels: 6, inLength: 37, kernelSize: 1 },
      { inChannels: 7, outChannels: 9, inLength: 36, kernelSize: 3, padding: 1 },
      { inChannels: 5, outChannels: 7, inLength: 64, kernelSize: 3, stride: 2, padding: 1, batch: 3 },
    ]);
  });

  it('channel counts around the groups of four and the lanes of a workgroup', async () => {
    const counts = [1, 2, 3, 4, 5, 8, 40, 63, 64, 65, 68, 130];
    await expectReference(
      counts.map((outChannels, i) => ({
        inChannels: counts[(i + 5) % counts.length] as number,
        outChannels,
        inLength: 3,
        kernelSize: 3,
        padding: 1,
        batch: 1 + (i % 2),
      })),
    );
  });

  it('adds up thousands of inputs', async () => {
    await expectReference([{ inChannels: 2051, outChannels: 5, inLength: 1, kernelSize: 1, batch: 2 }], { atol: 2e-5, rtol: 1e-6 });
  });

  it('bias, residual and activations, in every combination that the text of the kernel knows', async () => {
    const base = { inChannels: 5, outChannels: 6, inLength: 3, kernelSize: 3, padding: 1, batch: 2 } as const;
    await expectReference([
      { ...base, bias: false },
      { ...base, residual: true },
      { ...base, bias: false, residual: true, outActivation: 'gelu' },
      { ...base, inActivation: 'mish' },
      { ...base, outActivation: 'mish' },
      { ...base, outActivation: 'gelu', residual: true },
      { ...base, inActivation: 'gelu', outActivation: 'mish' },
    ]);
  });

  it('reads and writes either order, and several tiles of tokens', async () => {
    await expectReference([
      { inChannels: 5, outChannels: 7, inLength: 19, kernelSize: 1, batch: 2, inOrder: 'tokens', outOrder: 'tokens', residual: true },
      { inChannels: 5, outChannels: 7, inLength: 4, kernelSize: 3, padding: 1, batch: 2, inOrder: 'tokens' },
      { inChannels: 5, outChannels: 7, inLength: 4, kernelSize: 3, padding: 1, batch: 2, outOrder: 'tokens', residual: true },
    ]);
  });

  it('padding counts as 0 after the input activation too, and a broken input column reaches its own outputs only', async () => {
    const shape: ConvCase = { inChannels: 3, outChannels: 2, inLength: 20, kernelSize: 3, padding: 1, inActivation: 'mish' };
    const inputs = convInputs(shape);
    const broken = { ...inputs, x: valuesOf(1, 3, 20, (b, c, t) => (t === 10 && c === 1 ? NaN : valueAt(inputs.x, b, c, t))) };
    const [clean, spoiled] = await runConvolutions(device(), [
      { shape, inputs },
      { shape, inputs: broken },
    ]);
    if (!clean || !spoiled) throw new Error('two results expected');
    expectClose(clean, expectedConvolution(shape, inputs), TOLERANCE, 'clean');
    for (let t = 0; t < 20; t++) {
      const touched = Math.abs(t - 10) <= 1;
      expect(valueAt(spoiled, 0, 0, t), `column ${t}`).toEqual(touched ? NaN : valueAt(clean, 0, 0, t));
    }
  });
});

describe('views of tensors in conv1d', () => {
  it('a range of channels and of columns is read and written in place, and nothing beside it is touched', async () => {
    const normals = new Normals(5);
    const weight = normals.floats(2 * 3 * 3);
    const bias = normals.floats(2);
    const whole = normals.values(2, 6, 9);
    const before = normals.values(2, 5, 4);
    const part = valuesOf(2, 3, 4, (b, c, t) => valueAt(whole, b, 2 + c, 3 + t));
    const results = await runOp(device(), async (op) => {
      const loader = op.loader({ 'a.weight': weight, 'a.bias': bias });
      const loaded = await loadConv1d(loader, 'a', { inChannels: 3, outChannels: 2, kernelSize: 3 });
      const y = op.output('y', 2, 5, 4);
      op.write(y, before);
      const x = timeRange(channelRange(op.input(whole), 2, 3), 3, 4);
      recordConv1d(op.builder, loaded, { x, y: channelRange(y, 3, 2), padding: 1 });
    });
    const fresh = convolution({ x: part, weight, bias, outChannels: 2, kernelSize: 3, padding: 1 });
    const expected = valuesOf(2, 5, 4, (b, c, t) => (c < 3 ? valueAt(before, b, c, t) : valueAt(fresh, b, c - 3, t)));
    expectClose(results.values('y'), expected, TOLERANCE, 'y');
  });

  it('a broadcast residual is added to every sample of the batch', async () => {
    const normals = new Normals(6);
    const weight = normals.floats(5 * 3);
    const bias = normals.floats(5);
    const x = normals.values(3, 3, 2);
    const positions = normals.values(1, 5, 2);
    const results = await runOp(device(), async (op) => {
      const loader = op.loader({ 'a.weight': weight, 'a.bias': bias });
      const loaded = await loadConv1d(loader, 'a', { inChannels: 3, outChannels: 5, kernelSize: 1 });
      recordConv1d(op.builder, loaded, {
        x: op.input(x, 'tokens'),
        y: op.output('y', 3, 5, 2, 'tokens'),
        residual: broadcast(op.input(positions, 'tokens'), 3),
      });
    });
    const residual = valuesOf(3, 5, 2, (_b, c, t) => valueAt(positions, 0, c, t));
    expectClose(results.values('y'), convolution({ x, weight, bias, outChannels: 5, kernelSize: 1, residual }), TOLERANCE, 'y');
  });
});
