import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadMethodCheckpoint } from '../../src/checkpoints/methods/read-method.js';
import { encodeSafetensors } from '../../src/checkpoints/safetensors/safetensors.js';
import { type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';
import { loadPolicy, type Policy } from '../../src/entries/core.js';
import { NonFiniteError } from '../../src/foundation/errors.js';
import { standInPolicy } from '../../src/verification/methods/stand-in-policy.js';
import { tensorsOf } from '../support/changed-checkpoint.js';
import { useTestDevice } from '../support/device.js';
import { type Files, golden, goldenFiles } from '../support/folders.js';

const FOLDER = 'methods/bridger-sde/network';
const device = useTestDevice();

async function policyWith(network: CheckpointSource): Promise<Policy> {
  const checkpoint = await loadMethodCheckpoint(golden(FOLDER));
  await checkpoint.close();
  return loadPolicy(standInPolicy(checkpoint.config), {
    device: device(),
    networks: { methods: network },
    strategy: { name: 'BRIDGER', steps: 2 },
  });
}

const observation = (tick: number): { 'observation.state': Float32Array } => ({
  'observation.state': Float32Array.from({ length: 9 }, (_, i) => Math.sin(tick + i)),
});

describe("a policy with BRIDGER's networks", () => {
  let policy: Policy;
  beforeAll(async () => {
    policy = await policyWith(golden(FOLDER));
  });
  afterAll(() => policy.dispose());

  it('decides alone as in a fleet, bit by bit, and alike with the same noise', async () => {
    const requests = [1, 2, 3].map((tick) => ({
      window: {
        'observation.state': Float32Array.from([...observation(tick)['observation.state'], ...observation(tick + 1)['observation.state']]),
      },
      previous: [],
      noise: Float32Array.from({ length: 32 }, (_, i) => Math.cos(i * tick)),
      stepNoise: [0, 1].map((row) => Float32Array.from({ length: 32 }, (_, i) => Math.sin(i + row * tick))),
    }));
    const fleet = await policy.decideAll(requests);
    for (const [i, { window, ...options }] of requests.entries()) {
      const alone = await policy.decide(window, options);
      expect(alone.chunk).toEqual((fleet[i] as typeof alone).chunk);
      expect(alone.evaluations).toBe(4);
    }
    expect(fleet[0]?.chunk).not.toEqual(fleet[1]?.chunk);
  });

  it('asks the drift network for bs alone: with vs it costs nothing', async () => {
    const dispatches = (): number => policy.info.dispatches as number;
    await policy.warmup();
    const before = dispatches();
    policy.useStrategy({ name: 'BRIDGER', steps: 4 });
    await policy.warmup();
    // Twice the evaluations, the observation part of two networks once.
    const perStep = (dispatches() - before) / 2;
    expect(Number.isInteger(perStep)).toBe(true);
    const vs = (await policy.act(observation(0))).slice();
    policy.useStrategy({ name: 'BRIDGER', steps: 4, sde: 'bs' });
    policy.reset();
    const bs = await policy.act(observation(0));
    expect(bs.every(Number.isFinite)).toBe(true);
    expect([...bs]).not.toEqual([...vs]);
  });
});

it('refuses a prior of CVAEs where its predictor is none', async () => {
  const checkpoint = await loadMethodCheckpoint(golden(FOLDER));
  await checkpoint.close();
  const load = loadPolicy(standInPolicy(checkpoint.config), {
    device: device(),
    networks: { methods: golden(FOLDER), predictor: 'shift' },
    strategy: { name: 'BRIDGER', steps: 2, prior: 'cvae' },
  });
  await expect(load).rejects.toThrow(/needs a predictor that is a CVAE as its prior, found a shifted chunk/);
});

it('names the evaluation whose network is not finite', async () => {
  const files = goldenFiles(FOLDER);
  const tensors = (await tensorsOf({ model: files['model.safetensors'] as Uint8Array }, 'model')).map((tensor) =>
    tensor.name === 's_net.final_conv.1.weight' ? { ...tensor, dtype: 'F32' as const, data: new Float32Array(32).fill(3e38) } : tensor,
  );
  const spoiled: Files = { ...files, 'model.safetensors': encodeSafetensors(tensors) };
  const policy = await policyWith(memorySource('spoiled', spoiled));
  const error: unknown = await policy.act(observation(0)).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(NonFiniteError);
  // The velocity's evaluation before it is finite.
  expect((error as NonFiniteError).message).toMatch(/step 2 of 4 \(timestep 0\.5, network s_net\)/);
  await policy.dispose();
});
