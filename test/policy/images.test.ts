import { beforeAll, describe, expect, it } from 'vitest';
import type { Observation } from '../../src/observations/frame.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Decision, Policy } from '../../src/policy/policy.js';
import { USAGE } from '../../src/runtime/buffers.js';
import { useTestDevice } from '../support/device.js';
import { DeviceCalls } from '../support/device-calls.js';
import { bits, probe } from '../support/golden-policy.js';
import { CAMERAS, FRAME, FRAME_WIDTH, imageObservation, imagePolicy, pixels, STATE_DIM } from '../support/image-policy.js';
import { referenceFeatures } from '../support/reference-encoder.js';

const device = useTestDevice();
const decisions: Decision[] = [];
let policy: Policy;
beforeAll(async () => {
  policy = await loadPolicy(imagePolicy(), {
    device: device(),
    probes: ['global_cond'],
    onDecision: (decision) => void decisions.push(decision),
  });
});

/** Frames that were encoded meanwhile. */
async function encodedBy(work: () => Promise<unknown>): Promise<number> {
  const before = policy.encodedFrames;
  await work();
  return policy.encodedFrames - before;
}

/** A window of the observations of two ticks, oldest first. */
function window(first: number, second: number): Observation {
  return {
    'observation.state': [first, second].flatMap((salt) => imageObservation(salt)['observation.state'] as number[]),
    ...Object.fromEntries(CAMERAS.map((name, camera) => [name, [pixels(camera, first), pixels(camera, second)]])),
  };
}

describe('a policy with images', () => {
  it('says what it observes', () => {
    expect(policy.info.observations.map(({ name, kind }) => [name, kind])).toEqual([
      ['observation.state', 'vector'],
      [CAMERAS[0], 'image'],
      [CAMERAS[1], 'image'],
    ]);
    expect(policy.info.observations[1]).toMatchObject({ ...FRAME, channels: 3, features: 6 });
    expect(policy.info.images).toMatchObject({ frame: [36, 47], crop: [33, 40], resize: undefined });
  });

  it('conditions on state and the features of its cameras, frame by frame, as float64 computes them', async () => {
    const decision = await policy.decide(window(1, 2), { previous: [] });
    const both = probe(decision, 'global_cond');
    expect(both).toHaveLength(2 * FRAME_WIDTH);
    expect([...both.subarray(0, STATE_DIM)]).toEqual([Math.fround(Math.sin(1)), Math.fround(Math.cos(1))]);
    // The reference takes a second for each picture: the newer frame stands for both.
    const found = both.subarray(FRAME_WIDTH);
    const expected = [
      ...(imageObservation(2)['observation.state'] as number[]),
      ...CAMERAS.flatMap((_, camera) => referenceFeatures(camera, pixels(camera, 2))),
    ];
    const largest = Math.max(...expected.map(Math.abs));
    const features = expected.slice(STATE_DIM);
    // Features that are all zero or all alike would show nothing.
    expect(new Set(features.map((value) => value.toFixed(3))).size).toBeGreaterThan(3);
    expected.forEach((value, i) => expect(Math.abs((found[i] as number) - value) / largest).toBeLessThan(1e-5));
  });

  it('decides the same bits from observations as they are and from those of observe(), which a decision finds encoded', async () => {
    const play = async (given: (tick: number) => Promise<Observation>): Promise<readonly number[][]> => {
      const episode = policy.beginEpisode({ seed: 3 });
      const from = decisions.length;
      for (let tick = 0; tick < 4; tick++) await policy.act(await given(tick), { episode });
      return decisions.slice(from).map((decision) => [...bits(decision)]);
    };
    const plain = await play(async (tick) => imageObservation(tick));
    const observed: number[] = [];
    const ahead = await play(async (tick) => {
      let result: Observation = {};
      observed.push(await encodedBy(async () => (result = await policy.observe(imageObservation(tick)))));
      return result;
    });
    expect(plain).toHaveLength(2);
    expect(ahead).toEqual(plain);
    expect(observed).toEqual([1, 1, 1, 1]);
  });
});

describe('a decision of a policy with images', () => {
  /** A second policy on the same device, without inner values: they are read back on their own. */
  async function counted(work: (policy: Policy, calls: () => DeviceCalls['counts']) => Promise<void>): Promise<void> {
    const { gpuDevice } = device();
    const plain = await loadPolicy(imagePolicy(), { device: device() });
    const buffer = gpuDevice.createBuffer({ size: 16, usage: USAGE.copyDestination });
    buffer.destroy();
    const calls = new DeviceCalls(gpuDevice, buffer);
    let before: DeviceCalls['counts'] = {};
    try {
      await work(plain, () => {
        const { counts } = calls;
        const made = Object.entries(counts).map(([name, count]) => [name, count - (before[name as keyof typeof counts] ?? 0)]);
        before = counts;
        return Object.fromEntries(made.filter(([, count]) => count !== 0));
      });
    } finally {
      calls.restore();
      await plain.dispose();
    }
  }

  it('encodes frames that nobody observed in its own commands: one submit, one read-back; after observe() it has nothing to encode', async () => {
    await counted(async (plain, calls) => {
      const { actionSteps } = plain.info;
      const episode = plain.beginEpisode();
      // Both windows' frames are new: that of the first tick stands for both, later ones are two of two cameras.
      for (const [decision, pictures] of [2, 4, 4].entries()) {
        for (let tick = 1; tick < actionSteps; tick++)
          if (decision > 0) await plain.act(imageObservation(10 * decision + tick), { episode });
        calls();
        const encoded = plain.encodedFrames;
        await plain.act(imageObservation(10 * decision), { episode });
        expect(plain.encodedFrames - encoded).toBe(pictures / 2);
        const { createCommandEncoder: _, ...made } = calls();
        expect(made).toEqual({ writeBuffer: 1 + pictures, submit: 1, mapAsync: 1 });
      }

      const observed = plain.beginEpisode();
      for (let tick = 0; tick <= actionSteps; tick++) {
        const given = await plain.observe(imageObservation(100 + tick));
        const { createCommandEncoder: _, ...encoding } = calls();
        // Pictures of two cameras go up, features come back.
        expect(encoding).toEqual({ writeBuffer: 2, submit: 1, mapAsync: 1 });
        const encoded = plain.encodedFrames;
        await plain.act(given, { episode: observed });
        expect(plain.encodedFrames).toBe(encoded);
        const { createCommandEncoder: __, ...deciding } = calls();
        expect(deciding).toEqual(tick % actionSteps === 0 ? { writeBuffer: 1, submit: 1, mapAsync: 1 } : {});
      }
    });
  });
});
