import { describe, expect, it } from 'vitest';
import { PushT } from '../../../src/envs/push-t/push-t.js';
import { pushTTask } from '../../../src/envs/push-t/task.js';
import { OptionError } from '../../../src/foundation/errors.js';

function info(sizes: readonly number[], actionDim = 2): Parameters<typeof pushTTask>[0] {
  return {
    name: 'mine',
    actionDim,
    observations: sizes.map((size) => ({ kind: 'vector' as const, name: `observation.${size}`, feature: `observation.${size}`, size })),
  };
}

describe('Push-T for a policy', () => {
  it('gives what the policy reads, by its size', async () => {
    const environment = await pushTTask(info([2, 5, 16, 20, 40])).create();
    void environment.reset(100_003);
    const observation = environment.observe();
    const state = new PushT().reset(100_003);
    expect(observation['observation.2']).toEqual([state.agentX, state.agentY]);
    for (const size of [2, 5, 16, 20, 40]) expect(observation[`observation.${size}`]).toHaveLength(size);
    expect(environment.snapshot()).toEqual([state.agentX, state.agentY, state.blockX, state.blockY, state.angle]);
  });

  it.each<[string, Parameters<typeof pushTTask>[0], RegExp]>([
    ['another observation', info([2, 7]), /policy "mine" reads "observation.7" of 7 values; Push-T has .* give a Push-T policy/],
    ['other actions', info([2], 6), /policy "mine" has actions of 6 values, Push-T takes 2/],
  ])('refuses a policy with %s', (_, policy, message) => {
    expect(() => pushTTask(policy)).toThrow(OptionError);
    expect(() => pushTTask(policy)).toThrow(message);
  });
});
