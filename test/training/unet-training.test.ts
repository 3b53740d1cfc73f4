import { describe, expect, it } from 'vitest';
import type { UnetShape } from '../../src/spec/network-shapes.js';
import type { ParameterSet, UNetBatch } from '../../src/training/training-step.js';
import { unetLayout } from '../../src/training/unet/parameters.js';
import type { UNetTraining } from '../../src/training/unet/unet-training.js';
import { useTestDevice } from '../support/device.js';
import { DeviceCalls } from '../support/device-calls.js';
import { openTraining, randomBatch, randomWeights, SMALL_UNET, UPDATE } from '../support/unet-training.js';

const device = useTestDevice();

async function using<T>(opening: Promise<UNetTraining>, work: (training: UNetTraining) => Promise<T>): Promise<T> {
  const training = await opening;
  try {
    return await work(training);
  } finally {
    training.dispose();
  }
}

const SETS: readonly ParameterSet[] = ['weights', 'gradients', 'firstMoment', 'secondMoment', 'ema'];

async function bitsOf(training: UNetTraining): Promise<string> {
  const copies = await Promise.all(SETS.map((set) => training.read(set)));
  return copies.map((copy) => [...copy.values()].map((values) => Buffer.from(values.buffer).toString('base64')).join()).join(';');
}

/** Relative L2 of the difference of two copies. */
function difference(a: ReadonlyMap<string, Float32Array>, b: ReadonlyMap<string, Float32Array>): number {
  let [squares, all] = [0, 0];
  for (const [name, values] of a) {
    values.forEach((value, i) => {
      squares += (value - (b.get(name)?.[i] as number)) ** 2;
      all += value ** 2;
    });
  }
  return Math.sqrt(squares / all);
}

const batchOf = (count: number, seed: number): UNetBatch => randomBatch(SMALL_UNET, count, seed);

describe('a U-Net compiled for training', () => {
  it('gives the same bits in two runs of three steps', async () => {
    const once = (): Promise<string> =>
      using(openTraining(device()), async (training) => {
        for (const step of [1, 2, 3]) training.run(batchOf(3, step), { ...UPDATE, stepNumber: step });
        return bitsOf(training);
      });
    expect(await once()).toBe(await once());
  });

  it('is the same to the bit in many small arenas', async () => {
    const trained = (bindingBytes: number | undefined): Promise<string> =>
      using(openTraining(device(), bindingBytes === undefined ? {} : { bindingBytes }), async (training) => {
        for (const step of [1, 2]) training.run(batchOf(3, step), { ...UPDATE, clipNorm: null, stepNumber: step });
        return bitsOf(training);
      });
    // As large as the largest matrix: the FiLM projections of all blocks, 16 × 192.
    const bindingBytes = 4 * 16 * 192;
    expect(unetLayout(SMALL_UNET, bindingBytes).arenas.length).toBeGreaterThan(2);
    expect(await trained(bindingBytes)).toBe(await trained(undefined));
  });

  it('adds up gradients of several batches, and forgets them where it is not told to', async () => {
    await using(openTraining(device()), async (training) => {
      training.run(batchOf(3, 1), null);
      const first = await training.read('gradients');
      training.run(batchOf(3, 2), null);
      const second = await training.read('gradients');
      training.run(batchOf(3, 1), null);
      training.run(batchOf(3, 2), null, { accumulate: true });
      const both = await training.read('gradients');
      const { gradientNorm } = await training.metrics();
      const sum = new Map([...first].map(([name, values]) => [name, values.map((value, i) => value + (second.get(name)?.[i] as number))]));
      expect(difference(sum, both)).toBeLessThan(1e-6);
      const squares = [...both.values()].reduce((total, values) => total + values.reduce((s, value) => s + value * value, 0), 0);
      expect(gradientNorm / Math.sqrt(squares)).toBeCloseTo(1, 5);
    });
  });

  it('takes a short batch as a batch of that size, whatever lies behind it', async () => {
    const { count, ...short } = batchOf(2, 3);
    const long: UNetBatch = {
      count,
      conditioning: Float32Array.from({ length: 21 }, (_, i) => short.conditioning[i] ?? NaN),
      actions: Float32Array.from({ length: 36 }, (_, i) => short.actions[i] ?? NaN),
      noise: Float32Array.from({ length: 36 }, (_, i) => short.noise[i] ?? NaN),
      timesteps: Int32Array.from({ length: 3 }, (_, i) => short.timesteps[i] ?? -7),
      validity: Uint8Array.from({ length: 12 }, (_, i) => short.validity?.[i] ?? 200),
    };
    const run = (batchSize: number, batch: UNetBatch) =>
      using(openTraining(device(), { batchSize }), async (training) => {
        training.run(batch, null);
        return { ...(await training.metrics()), gradients: await training.read('gradients') };
      });
    const whole = await run(2, { count, ...short });
    for (const batch of [long, { count, ...short }]) {
      const part = await run(3, batch);
      expect(part.loss / whole.loss).toBeCloseTo(1, 6);
      expect(difference(whole.gradients, part.gradients)).toBeLessThan(1e-6);
    }
  });

  it('refuses an update whose gradients are not finite, says so, and goes on with the next', async () => {
    await using(openTraining(device()), async (training) => {
      training.run(batchOf(3, 1), UPDATE);
      const kept = ['weights', 'firstMoment', 'secondMoment', 'ema'] as const;
      const read = async () => Promise.all(kept.map((set) => training.read(set)));
      const before = await read();
      const bad = batchOf(3, 2);
      bad.actions[4] = NaN;
      training.run(bad, UPDATE);
      expect((await training.metrics()).gradientNorm).toBeNaN();
      expect(await read()).toEqual(before);
      training.run(batchOf(3, 2), UPDATE);
      expect((await training.metrics()).gradientNorm).toBeGreaterThan(0);
      expect(difference(before[0] as ReadonlyMap<string, Float32Array>, await training.read('weights'))).toBeGreaterThan(1e-5);
    });
  });

  it('remembers the first step that was refused, whoever reads metrics when', async () => {
    await using(openTraining(device()), async (training) => {
      const bad = batchOf(3, 2);
      bad.actions[4] = NaN;
      training.run(bad, null);
      expect((await training.metrics()).refusedStep).toBeNull();
      const first = 3 * 2 ** 24 + 65_537;
      for (const [batch, stepNumber] of [
        [batchOf(3, 1), first - 1],
        [bad, first],
        [bad, first + 1],
        [batchOf(3, 1), first + 2],
      ] as const) {
        training.run(batch, { ...UPDATE, stepNumber });
      }
      const { refusedStep, gradientNorm } = await training.metrics();
      expect(gradientNorm).toBeGreaterThan(0);
      expect(refusedStep).toBe(first);
    });
  });

  it('has metrics of the newest run at the time they are asked for', async () => {
    await using(openTraining(device()), async (training) => {
      training.run(batchOf(3, 1), null);
      const first = training.metrics();
      training.run(batchOf(3, 2), null);
      const second = training.metrics();
      training.run(batchOf(3, 1), null);
      const losses = [await first, await second, await training.metrics()].map(({ loss }) => loss);
      expect(losses[0]).toBe(losses[2]);
      expect(losses[0]).not.toBe(losses[1]);
    });
  });

  it('takes one submit and two writes a step, and makes nothing but the encoder', async () => {
    await using(openTraining(device()), async (training) => {
      training.run(batchOf(3, 1), UPDATE);
      await training.metrics();
      const { gpuDevice } = device();
      const some = gpuDevice.createBuffer({ size: 16, usage: 0x8 });
      const calls = new DeviceCalls(gpuDevice, some);
      try {
        for (const step of [2, 3, 4, 5]) training.run(batchOf(3, step), { ...UPDATE, stepNumber: step });
        expect(calls.counts).toEqual({ createCommandEncoder: 4, writeBuffer: 8, submit: 4 });
      } finally {
        calls.restore();
        some.destroy();
      }
    });
  });

  it('writes and reads every copy as a whole', async () => {
    await using(openTraining(device()), async (training) => {
      const weights = randomWeights(training);
      expect(await training.read('weights')).toEqual(weights);
      expect([...(await training.read('weights')).keys()]).toEqual(training.parameters.map(({ name }) => name));
      const [name = ''] = weights.keys();
      expect(() => training.write('weights', new Map())).toThrow(`"${name}"`);
      expect(() => training.write('weights', new Map([...weights, [name, new Float32Array(1)]]))).toThrow('found 1 values');
      expect(() => training.write('weights', new Map([...weights, ['other', new Float32Array(1)]]))).toThrow('"other" is no parameter');
      expect(() => training.write('unknown' as ParameterSet, weights)).toThrow('no copy "unknown"');
      const { activations = 0, ...copies } = training.memory;
      expect(activations).toBeGreaterThan(0);
      expect(Object.keys(copies).sort()).toEqual([...SETS].sort());
    });
  });

  it('refuses batches and updates that do not fit, and works afterwards', async () => {
    await using(openTraining(device(), { ema: false }), async (training) => {
      const good = batchOf(3, 1);
      await expect(training.metrics()).rejects.toThrow('call run() first');
      const wrong: readonly [Partial<Record<keyof UNetBatch, unknown>>, string][] = [
        [{ count: 0 }, 'batch.count'],
        [{ count: 4 }, 'batch.count'],
        [{ count: 1.5 }, 'batch.count'],
        [{ conditioning: new Float32Array(20) }, 'batch.conditioning'],
        [{ actions: [1] }, 'batch.actions'],
        [{ noise: new Float64Array(36) }, 'batch.noise'],
        [{ timesteps: Int32Array.of(1, 2, 20) }, 'batch.timesteps'],
        [{ timesteps: Int32Array.of(1, -1, 2) }, 'sample 1'],
        [{ validity: new Uint8Array(12).fill(2) }, 'batch.validity'],
        [{ validity: undefined }, 'batch.validity'],
      ];
      for (const [change, message] of wrong) expect(() => training.run({ ...good, ...change } as UNetBatch, null)).toThrow(message);
      const updates: readonly [Partial<Record<keyof typeof UPDATE, unknown>>, string][] = [
        [{ optimizer: 'sgd' }, 'update.optimizer'],
        [{ learningRate: NaN }, 'update.learningRate'],
        [{ beta2: 1 }, 'update.beta2'],
        [{ epsilon: 0 }, 'update.epsilon'],
        [{ weightDecay: -1 }, 'update.weightDecay'],
        [{ stepNumber: 0 }, 'update.stepNumber'],
        [{ clipNorm: 0 }, 'update.clipNorm'],
        [{ emaDecay: 0.5 }, 'compiled without a moving average'],
      ];
      for (const [change, message] of updates) {
        expect(() => training.run(good, { ...UPDATE, emaDecay: null, ...change } as typeof UPDATE)).toThrow(message);
      }
      await expect(training.read('ema')).rejects.toThrow('no copy "ema"');
      training.run(good, { ...UPDATE, emaDecay: null });
      expect((await training.metrics()).loss).toBeGreaterThan(0);
      training.dispose();
      training.dispose();
      expect(() => training.run(good, null)).toThrow('disposed');
    });
  });

  it('refuses networks that it cannot train', async () => {
    const shapes: readonly [Partial<UnetShape>, string][] = [
      [{ downDims: [10] }, 'multiple of 4'],
      [{ downDims: [8, 20], groups: 8 }, 'n_groups = 8'],
      [{ downDims: [12] }, 'multiple of 8'],
      [{ horizon: 5 }, 'horizon'],
      [{ kernelSize: 4 }, 'kernel_size'],
      [{ stepEmbedDim: 7 }, 'diffusion_step_embed_dim'],
    ];
    for (const [change, message] of shapes) {
      await expect(openTraining(device(), { shape: { ...SMALL_UNET, ...change } })).rejects.toThrow(message);
    }
    await expect(openTraining(device(), { batchSize: 0 })).rejects.toThrow('batchSize');
    await expect(openTraining(device(), { predictionType: 'v' as 'sample' })).rejects.toThrow('predictionType');
  });
});
