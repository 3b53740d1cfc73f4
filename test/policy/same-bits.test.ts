import { describe, expect, it } from 'vitest';
import { SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import { roundToF16 } from '../../src/foundation/half.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import { ChangedCheckpoint } from '../support/changed-checkpoint.js';
import { useTestDevice } from '../support/device.js';
import { bits, decideTogether, loadGolden, noise, window } from '../support/golden-policy.js';
import { at } from '../support/toy.js';

describe('same inputs, same bits', () => {
  const device = useTestDevice();

  it('twice on one policy, and on two policies of one device', async () => {
    const first = await loadGolden(device(), 'state-ddim2');
    const second = await loadGolden(device(), 'state-ddim2');
    const options = { previous: [], noise: noise(first) };
    const expected = bits(await first.decide(window(first), options));
    await first.decide(window(first, 5), { previous: [] });
    expect(bits(await first.decide(window(first), options))).toEqual(expected);
    expect(bits(await second.decide(window(second), options))).toEqual(expected);
    expect(bits(await second.decide(window(second, 5), options))).not.toEqual(expected);
    await first.dispose();
    await second.dispose();
  });

  it.each(['state-ddim2', 'state-bias-film'])('%s: a sample does not depend on the batch around it', async (name) => {
    const policy = await loadGolden(device(), name);
    const batch = await decideTogether(policy, 0, 3, (b) => ({ noise: noise(policy, b) }));
    for (const b of [0, 1, 2]) {
      const alone = await policy.decide(window(policy, b), { previous: [], noise: noise(policy, b) });
      expect(bits(alone)).toEqual(bits(at(batch, b)));
    }
    await policy.dispose();
  });

  it('with a predictor too: a warm sample does not depend on the batch around it', async () => {
    const policy = await loadGolden(device(), 'step-forward-noise', { predictor: true });
    const cold = await decideTogether(policy, 0, 2, (b) => ({ noise: noise(policy, b) }));
    const warm = await decideTogether(policy, 7, 2, (b) => ({ previous: [at(cold, b)], noise: noise(policy, 7 + b) }));
    expect(warm.map((decision) => decision.warm)).toEqual([true, true]);
    for (const b of [0, 1]) {
      const alone = await policy.decide(window(policy, 7 + b), { previous: [at(cold, b)], noise: noise(policy, 7 + b) });
      expect(bits(alone)).toEqual(bits(at(warm, b)));
    }
    await policy.dispose();
  });

  it('seeded noise of a sample does not depend on the batch either', async () => {
    const policy = await loadGolden(device(), 'state-bias-film');
    const three = await decideTogether(policy, 0, 3, () => ({ seed: 4 }));
    const one = await policy.decide(window(policy), { previous: [], seed: 4 });
    expect(bits(one)).toEqual(bits(at(three, 0)));
    await policy.dispose();
  });

  it('taps do not change a bit', async () => {
    const perStep = ['model_output', 'sample', 'activation.mid_modules.0', 'activation.final_conv.0'];
    const taps = ['global_cond', 'prediction', 'start', ...perStep];
    const plain = await loadGolden(device(), 'step-forward-noise', { predictor: true });
    const tapped = await loadGolden(device(), 'step-forward-noise', { predictor: true, taps });
    for (const tick of [0, 1, 2]) {
      const options = { noise: noise(plain, tick) };
      const expected = await plain.decide(window(plain, tick), options);
      const found = await tapped.decide(window(tapped, tick), options);
      expect(bits(found)).toEqual(bits(expected));
      expect(expected.taps.size).toBe(0);
      const steps = found.timesteps.flatMap((_, step) => perStep.map((name) => `${name}.${step}`));
      expect([...found.taps.keys()].sort()).toEqual([...(tick === 0 ? [] : ['prediction']), 'global_cond', 'start', ...steps].sort());
      expect(found.taps.get(`sample.${found.timesteps.length - 1}`)).toEqual(found.normalizedChunk);
    }
    await plain.dispose();
    await tapped.dispose();
  });
});

describe('f16 storage', () => {
  const device = useTestDevice();

  it.each(['state-ddpm10', 'state-dialect-b'])('%s: weights that are stored as f16 give the bits of f32 storage', async (name) => {
    const strategy = { name: 'DDIM', steps: 2 } as const;
    const wide = await loadGolden(device(), name, { strategy });
    const half = await loadGolden(device(), name, { strategy, precision: 'f16' });
    const options = { previous: [], noise: noise(wide) };
    expect(half.info.deviceBytes).toBeLessThan(wide.info.deviceBytes);
    expect(bits(await half.decide(window(half), options))).toEqual(bits(await wide.decide(window(wide), options)));
    await wide.dispose();
    await half.dispose();
  });

  it('a predictor stored as f16 gives the bits of f32 storage', async () => {
    const wide = await loadGolden(device(), 'step-pusht-trained', { predictor: true });
    const half = await loadGolden(device(), 'step-pusht-trained', { predictor: true, precision: 'f16' });
    for (const tick of [0, 1]) {
      const options = { noise: noise(wide, tick) };
      expect(bits(await half.decide(window(half, tick), options))).toEqual(bits(await wide.decide(window(wide, tick), options)));
    }
    await wide.dispose();
    await half.dispose();
  });

  it('state-ddim2: an f16 run equals an f32 run over weights that were rounded to f16 first', async () => {
    const rounded = await roundedCheckpoint();
    const half = await loadGolden(device(), 'state-ddim2', { precision: 'f16' });
    const wide = await loadPolicy(rounded.source, { device: device() });
    const unrounded = await loadGolden(device(), 'state-ddim2');
    const options = { previous: [], noise: noise(half) };
    const found = bits(await half.decide(window(half), options));
    expect(found).toEqual(bits(await wide.decide(window(wide), options)));
    expect(found).not.toEqual(bits(await unrounded.decide(window(unrounded), options)));
    for (const policy of [half, wide, unrounded]) await policy.dispose();
  });

  it('the checkpoint of that test does hold rounded weights', async () => {
    const rounded = await roundedCheckpoint();
    const weights = async (files: Parameters<typeof memorySource>[1]): Promise<Float32Array> => {
      const file = await SafetensorsFile.open(await memorySource('model', files).open('model.safetensors'));
      return file.readFloats([...file.tensors.keys()].find((name) => name.includes('mid_modules.0.conv1'))!);
    };
    const after = await weights(rounded.files);
    const exact = after.slice();
    roundToF16(exact);
    expect(after).toEqual(exact);
    expect(await weights(new ChangedCheckpoint('state-ddim2').files)).not.toEqual(exact);
  });

  it('refuses weights beyond the range of f16, and says where', async () => {
    const huge = await new ChangedCheckpoint('state-bias-film').tensors((tensors) =>
      tensors.map((tensor) => (tensor.name.includes('mid_modules.0.conv1.block.0.weight') ? withFirstValue(tensor, 1e6) : tensor)),
    );
    await expect(loadPolicy(huge.source, { device: device(), precision: 'f16' })).rejects.toThrow(
      /mid_modules\.0\.conv1\.block\.0\.weight/,
    );
  });
});

type Data = Parameters<Parameters<ChangedCheckpoint['tensors']>[0]>[0][number];

function roundedCheckpoint(): Promise<ChangedCheckpoint> {
  return new ChangedCheckpoint('state-ddim2').tensors((tensors) =>
    tensors.map((tensor) => ({ ...tensor, data: roundedFloats(tensor.data) })),
  );
}

function roundedFloats(data: Data['data']): Uint8Array {
  if (!(data instanceof Uint8Array)) throw new TypeError('tensors of a file are bytes');
  const values = new Float32Array(data.slice().buffer);
  roundToF16(values);
  return new Uint8Array(values.buffer);
}

/** The tensor as f32, with another first value. */
function withFirstValue(tensor: Data, value: number): Data {
  const elements = tensor.shape.reduce((all, size) => all * size, 1);
  return { ...tensor, dtype: 'F32', data: Float32Array.from({ length: elements }, (_, i) => (i === 0 ? value : 0.01)) };
}
