import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import type { Observation } from '../../src/observations/frame.js';
import { type LoadPolicyOptions, loadPolicy } from '../../src/policy/load-policy.js';
import type { Decision, Policy } from '../../src/policy/policy.js';
import { useTestDevice } from '../support/device.js';
import { asMap, mapOf } from '../support/feature-maps.js';
import { bits, probe } from '../support/golden-policy.js';
import { FRAME, imageObservation, imagePolicy, pixels } from '../support/image-policy.js';
import { CVAE, imagePredictor, type PredictorChange, ROWS } from '../support/image-predictor.js';
import { smallEncoderFeatures } from '../support/reference-small-encoder.js';

const device = useTestDevice();
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

/** A policy with images, and what its decisions hand out. */
async function load(
  kind: 'transformer' | 'cvae',
  options: Omit<LoadPolicyOptions, 'networks'> = {},
  change?: PredictorChange,
): Promise<{ readonly policy: Policy; readonly decisions: Decision[] }> {
  const decisions: Decision[] = [];
  const policy = await loadPolicy(imagePolicy(), {
    device: device(),
    networks: { predictor: imagePredictor(kind, change).source },
    onDecision: (decision) => void decisions.push(decision),
    ...options,
  });
  return { policy, decisions };
}

/** A row that the predictor reads of a frame, by float64: features of its cameras in its order, then the state as it is. */
function row(kind: 'transformer' | 'cvae', salt: number): number[] {
  const { tensors } = imagePredictor(kind);
  const features = [1, 0].flatMap((camera) => {
    const bytes = pixels(camera, salt);
    const picture = mapOf({ batch: 1, channels: 3, ...FRAME }, (_, c, y, x) => {
      const value = (bytes[(y * FRAME.width + x) * 3 + c] as number) / 255;
      return (value - (IMAGENET.mean[c] as number)) / (IMAGENET.std[c] as number);
    });
    return [...smallEncoderFeatures(tensors, asMap(picture, FRAME.height, FRAME.width)).data];
  });
  return [...features, ...(imageObservation(salt)['observation.state'] as number[])];
}

describe('a predictor with an image encoder of its own', () => {
  it.each(['transformer', 'cvae'] as const)(
    '%s: reads features of its cameras in its order and raw vectors, oldest frame first',
    async (kind) => {
      const { policy, decisions } = await load(kind, { probes: ['features', 'prediction'] });
      for (let tick = 0; tick <= policy.info.actionSteps; tick++) await policy.act(imageObservation(tick));
      const second = decisions[1] as Decision;
      expect(second.warm).toBe(true);
      const expected = [policy.info.actionSteps - 1, policy.info.actionSteps].flatMap((tick) => row(kind, tick));
      const found = probe(second, 'features');
      expect(found).toHaveLength(2 * ROWS.width);
      const largest = Math.max(...expected.map(Math.abs));
      expected.forEach((value, i) => expect(Math.abs((found[i] as number) - value) / largest).toBeLessThan(1e-5));
      await policy.dispose();
    },
  );

  it.each(['transformer', 'cvae'] as const)('%s: has the same bits whether frames were observed or encoded on the way', async (kind) => {
    const { policy, decisions } = await load(kind);
    const play = async (given: (tick: number) => Promise<Observation>): Promise<readonly number[][]> => {
      const episode = policy.beginEpisode({ seed: 5 });
      const from = decisions.length;
      for (let tick = 0; tick < 7; tick++) await policy.act(await given(tick), { episode });
      return decisions.slice(from).map((decision) => [...bits(decision)]);
    };
    const before = policy.encodedFrames;
    const plain = await play(async (tick) => imageObservation(tick));
    // The first frame stands for two; then two of each window.
    expect(policy.encodedFrames - before).toBe(1 + 2 + 2);
    expect(await play((tick) => policy.observe(imageObservation(tick)))).toEqual(plain);
    expect(policy.encodedFrames - before).toBe(5 + 7);
    expect(decisions.slice(0, 3).map(({ warm }) => warm)).toEqual(kind === 'cvae' ? [true, true, true] : [false, true, true]);
    // In a fleet, where each sample has rows and a latent of its own.
    const [first] = decisions as [Decision];
    const noise = Float32Array.from({ length: 16 }, (_, i) => Math.cos(i));
    const given = [1, 2, 3].map((salt) => ({
      window: window(salt),
      previous: [{ normalizedChunk: first.normalizedChunk, chunk: first.chunk }],
      noise,
      ...(kind === 'cvae' ? { latent: Float32Array.from({ length: CVAE.latentDim }, (_, i) => Math.sin(i + salt)) } : {}),
    }));
    const together = await policy.decideAll(given);
    const alone: Decision[] = [];
    for (const { window: one, ...options } of given) alone.push(await policy.decide(one, options));
    expect(together.map((decision) => bits(decision))).toEqual(alone.map((decision) => bits(decision)));
    expect(new Set(together.map((decision) => bits(decision).join())).size).toBe(3);
    await policy.dispose();
  });

  it('says what it is, and that it belongs to another policy', async () => {
    const { policy } = await load('cvae');
    expect(policy.info.predictor).toBe('cvae');
    expect(policy.info.strategy).toContain('zero history');
    await policy.dispose();
    const refused = async (config: Record<string, unknown>): Promise<string> => {
      const error: unknown = await load('transformer', {}, { config }).catch((failure: unknown) => failure);
      expect(error).toBeInstanceOf(OptionError);
      return (error as OptionError).message;
    };
    expect(await refused({ image_keys: ['observation.images.right', 'observation.images.top'] })).toMatch(
      /reads the image "observation\.images\.top", which the policy does not observe \(observation\.images\.left, observation\.images\.right\)/,
    );
    expect(await refused({ state_keys: ['observation.environment_state'] })).toMatch(/reads the vector "observation\.environment_state"/);
    const image = { type: 'small_conv', in_channels: 3, embed_dim: 8, shared: true, image_shape: [3, 84, 84] };
    expect(await refused({ image_encoder: image })).toMatch(/reads pictures of 84×84 pixels \(image_shape\), the policy's ".*" has 36×47/);
  });
});

describe('latents of a CVAE', () => {
  it('follow from the seed, or are given', async () => {
    const { policy } = await load('cvae');
    const decide = async (options: object): Promise<readonly number[]> =>
      bits(await policy.decide(window(4), { previous: [], ...options }));
    const noise = new Float32Array(16);
    const seeded = await decide({ noise, seed: 1 });
    expect(await decide({ noise, seed: 1 })).toEqual(seeded);
    expect(await decide({ noise, seed: 2 })).not.toEqual(seeded);
    const latent = Float32Array.from({ length: CVAE.latentDim }, (_, i) => i - 1.5);
    const given = await decide({ noise, seed: 1, latent });
    expect(await decide({ noise, seed: 2, latent })).toEqual(given);
    expect(given).not.toEqual(seeded);
    await expect(decide({ latent: [1, 2] })).rejects.toThrow(/latent must have 4 values/);
    await policy.dispose();
    const plain = await loadPolicy(imagePolicy(), { device: device() });
    await expect(plain.decide(window(4), { previous: [], latent })).rejects.toThrow(/latent: the policy has no CVAE/);
    await plain.dispose();
  });
});

function window(salt: number): Observation {
  const [first, second] = [imageObservation(salt), imageObservation(salt + 1)];
  return Object.fromEntries(
    Object.keys(first).map((name) => [
      name,
      name === 'observation.state' ? [...(first[name] as number[]), ...(second[name] as number[])] : [first[name], second[name]],
    ]),
  ) as Observation;
}
