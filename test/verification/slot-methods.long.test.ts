import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadMethodCheckpoint } from '../../src/checkpoints/methods/read-method.js';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Decision, Policy } from '../../src/policy/policy.js';
import type { ComputeDevice } from '../../src/runtime/device.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';
import { CONDITIONING, standInPolicy } from '../../src/verification/methods/stand-in-policy.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';
import { golden } from '../support/folders.js';
import { GOLDENS } from '../support/golden-cases.js';
import { bits } from '../support/golden-policy.js';
import { at } from '../support/toy.js';
import { Normals } from '../support/values.js';

describe.each([undefined, 'gpu'] as const)('cases of networks whose rows have a level each, device class %s', (deviceClass) => {
  const device = useTestDevice(deviceClass === undefined ? {} : { deviceClass });

  it.each(['sdp', 'sdp-denoise', 'rnr-dp'])('%s agrees in every tensor', async (name) => {
    for (const precision of ['f32', 'f16'] as const) {
      const report = await verifyCase(await caseFolder(join(GOLDENS, 'methods', name)), device(), precision);
      expect(report.tensors.filter((tensor) => !tensor.pass)).toEqual([]);
      expect(report.tensors.length).toBeGreaterThan(14);
    }
  });
});

/** A policy beside which the network of a case is loaded; `horizon`: of the policy. */
async function policyOf(device: ComputeDevice, name: string, strategy: StrategyOptions, horizon?: number): Promise<Policy> {
  const checkpoint = await loadMethodCheckpoint(golden(`methods/${name}/network`));
  const { config } = checkpoint;
  await checkpoint.close();
  const given = horizon === undefined ? config : { ...config, unet: { ...config.unet, horizon } };
  return loadPolicy(standInPolicy(given), { device, strategy, networks: { methods: golden(`methods/${name}/network`) } });
}

describe.each([
  ['sdp', { name: 'SDP' }, [33, 33, 34, 33]],
  ['sdp', { name: 'SDP', init: 'denoise' }, [133, 33, 34, 33]],
  ['rnr-dp', { name: 'RNR-DP', observeEvery: 2 }, [8, 1, 1, 1]],
] as const)('a fleet of %s, %j', (name, strategy, evaluations) => {
  const device = useTestDevice();

  it('decides as each robot does alone, wherever in its round it is', async () => {
    const policy = await policyOf(device(), name, strategy);
    try {
      const normals = new Normals(4);
      const size = at(policy.info.observations as readonly { size: number }[], 0).size * policy.info.observationSteps;
      const windows = Array.from({ length: 7 }, () => ({ [CONDITIONING]: normals.floats(size) }));
      const alone = async (seed: number): Promise<Decision[]> => {
        const episode = policy.beginEpisode({ seed });
        const made: Decision[] = [];
        for (let d = 0; d < 4; d++) made.push(at(await policy.decideAll([{ episode, window: at(windows, d) }]), 0));
        return made;
      };
      const expected = [await alone(1), await alone(2)];
      expect(at(expected, 0).map((decision) => decision.evaluations)).toEqual(evaluations);
      // The second one begins a decision later.
      const [first, second] = [policy.beginEpisode({ seed: 1 }), policy.beginEpisode({ seed: 2 })];
      const found: Decision[][] = [[], []];
      at(found, 0).push(at(await policy.decideAll([{ episode: first, window: at(windows, 0) }]), 0));
      for (let d = 1; d < 4; d++) {
        const both = await policy.decideAll([
          { episode: first, window: at(windows, d) },
          { episode: second, window: at(windows, d - 1) },
        ]);
        both.forEach((decision, i) => at(found, i).push(decision));
      }
      for (const [i, decisions] of found.entries()) {
        decisions.forEach((decision, d) => expect(bits(decision), `robot ${i}, decision ${d}`).toEqual(bits(at(at(expected, i), d))));
      }
    } finally {
      await policy.dispose();
    }
  });

  it('has chunks as long as its network says, beside a policy of another horizon', async () => {
    const [own, other] = [await policyOf(device(), name, strategy), await policyOf(device(), name, strategy, 32)];
    try {
      const size = at(own.info.observations as readonly { size: number }[], 0).size * own.info.observationSteps;
      const window = { [CONDITIONING]: new Normals(5).floats(size) };
      const decide = async (policy: Policy): Promise<Decision> =>
        at(await policy.decideAll([{ episode: policy.beginEpisode({ seed: 3 }), window }]), 0);
      const [expected, found] = [await decide(own), await decide(other)];
      expect(bits(found)).toEqual(bits(expected));
      expect(found.actions).toEqual(expected.actions);
    } finally {
      await own.dispose();
      await other.dispose();
    }
  });

  it('cannot be asked for a decision without its past, nor with too few numbers to draw from', async () => {
    const policy = await policyOf(device(), name, strategy);
    try {
      const size = at(policy.info.observations as readonly { size: number }[], 0).size * policy.info.observationSteps;
      const window = { [CONDITIONING]: new Float32Array(size) };
      await expect(policy.decideAll([{ window, previous: [] }])).rejects.toThrow(/remembers more than chunks/);
      const episode = policy.beginEpisode();
      await expect(policy.decideAll([{ episode, window, normals: [1, 2] }])).rejects.toThrow(/normals must have \d+ values or more/);
      await expect(policy.decideAll([{ episode, window, normals: [NaN] }])).rejects.toThrow(/finite/);
      expect((await policy.decideAll([{ episode, window }]))[0]?.warm).toBe(false);
    } finally {
      await policy.dispose();
    }
  });
});
