import { describe, expect, it } from 'vitest';
import { START_STATUS } from '../../kernels/sampling/start.wgsl.js';
import { recordStart } from '../../src/ops/sampling.js';
import { useTestDevice } from '../support/device.js';
import { runOp } from '../support/run-op.js';
import { expectClose, Normals, type Values, valueAt, valuesOf } from '../support/values.js';

const device = useTestDevice();

interface Start {
  /** Prediction scale and noise scale of each sample. */
  readonly scales: readonly (readonly [number, number])[];
  readonly prediction: Values;
  readonly noise: Values;
}

async function run({ scales, prediction, noise }: Start): Promise<{ sample: Values; status: readonly number[] }> {
  const { batch, channels, length } = prediction;
  const results = await runOp(device(), (op) => {
    const status = op.buffer('status', new Uint32Array(batch));
    const pairs = op.buffer('scales', Float32Array.from(scales.flat()));
    const z = op.input(noise, 'tokens');
    recordStart(op.builder, {
      scales: { buffer: pairs, offset: 0, bytes: pairs.bytes },
      prediction: op.input(prediction, 'tokens'),
      noise: { buffer: z.buffer, offset: 0, bytes: z.buffer.bytes },
      sample: op.output('sample', batch, channels, length, 'tokens'),
      status,
    });
    op.readWords('status', status);
  });
  return { sample: results.values('sample'), status: [...results.words('status')] };
}

function reference({ scales, prediction, noise }: Start): Values {
  return valuesOf(prediction.batch, prediction.channels, prediction.length, (b, c, t) => {
    const [predictionScale, noiseScale] = (scales[b] as readonly [number, number]).map(Math.fround) as [number, number];
    return predictionScale * valueAt(prediction, b, c, t) + noiseScale * valueAt(noise, b, c, t);
  });
}

describe('start', () => {
  it.each([
    { channels: 1, length: 1 },
    { channels: 7, length: 16 },
    { channels: 3, length: 64 },
  ])('mixes prediction and noise with the scales of each sample: chunks of $length × $channels', async ({ channels, length }) => {
    const normals = new Normals(length);
    const p: Start = {
      scales: [
        [0.9, 0.3],
        [1, 0],
        [0.25, 1.5],
      ],
      prediction: normals.values(3, channels, length),
      noise: normals.values(3, channels, length),
    };
    const actual = await run(p);
    expectClose(actual.sample, reference(p), { atol: 3e-7, rtol: 3e-7 }, 'sample');
    expect(actual.status.every((code) => code === 0)).toBe(true);
  });

  it('a cold start does not look at the prediction, sample by sample', async () => {
    const normals = new Normals(3);
    const noise = normals.values(2, 3, 5);
    const warm = normals.values(2, 3, 5);
    const prediction = valuesOf(2, 3, 5, (b, c, t) => (b === 0 ? NaN : valueAt(warm, b, c, t)));
    const actual = await run({
      scales: [
        [0, 1],
        [0.5, 1],
      ],
      prediction,
      noise,
    });
    const expected = reference({
      scales: [
        [0, 1],
        [0.5, 1],
      ],
      prediction: warm,
      noise,
    });
    expectClose(actual.sample, expected, { atol: 3e-7, rtol: 3e-7 }, 'sample');
    expect(actual.status.every((code) => code === 0)).toBe(true);
  });

  it.each([
    { what: 'NaN in the prediction', prediction: NaN, noise: 0, scales: [1, 1] as const },
    { what: 'infinite noise', prediction: 0, noise: -Infinity, scales: [1, 1] as const },
    { what: 'a sum beyond f32', prediction: 3e38, noise: 3e38, scales: [1, 1] as const },
  ])('$what raises the status of its sample', async ({ prediction, noise, scales }) => {
    const spoil = (value: number): Values => valuesOf(2, 2, 3, (b, c, t) => (b === 1 && c === 1 && t === 2 ? value : 0));
    const { status } = await run({ scales: [scales, scales], prediction: spoil(prediction), noise: spoil(noise) });
    expect(status).toEqual([0, START_STATUS]);
  });
});
