import { describe, expect, it } from 'vitest';
import { drawPicture } from '../../../src/envs/push-t/picture.js';
import { PushT } from '../../../src/envs/push-t/push-t.js';
import { PUSH_T, PUSH_T_IMAGE, pushTTask } from '../../../src/envs/push-t/task.js';
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

  const picture = { kind: 'image' as const, name: 'image', feature: 'observation.image', height: 96, width: 96, channels: 3, features: 64 };
  const looking = { ...info([2]), observations: [...info([2]).observations, picture] };

  it('draws the board for a policy that looks at it, with the points of contact that gym-pusht draws', async () => {
    const task = PUSH_T_IMAGE.forPolicy(looking);
    expect(task.name).toBe('push-t-image');
    const environment = await task.create();
    const twin = new PushT();
    void environment.reset(100_003);
    twin.reset(100_003);
    for (let tick = 0; tick < 12; tick++) {
      const { image, ...rest } = environment.observe();
      expect(Object.keys(rest)).toEqual(['observation.2']);
      expect(image).toEqual(drawPicture(twin.state, twin.contactPoints));
      await environment.step(Float32Array.of(256, 256));
      twin.step([256, 256]);
    }
  });

  it('is a task for each way of observing: a policy of the other one is told so', () => {
    expect(() => PUSH_T.forPolicy(looking)).toThrow(/policy "mine" reads an image: its task is push-t-image, not push-t/);
    expect(() => PUSH_T_IMAGE.forPolicy(info([2]))).toThrow(/policy "mine" reads no image: its task is push-t, not push-t-image/);
  });

  it.each<[string, Parameters<typeof pushTTask>[0], RegExp]>([
    [
      'another picture',
      { ...info([]), observations: [{ ...picture, height: 84 }] },
      /policy "mine" reads "image" of 84×96 pixels; the picture of Push-T has 96×96/,
    ],
    ['another observation', info([2, 7]), /policy "mine" reads "observation.7" of 7 values; Push-T has .* give a Push-T policy/],
    ['other actions', info([2], 6), /policy "mine" has actions of 6 values, Push-T takes 2/],
  ])('refuses a policy with %s', (_, policy, message) => {
    expect(() => pushTTask(policy)).toThrow(OptionError);
    expect(() => pushTTask(policy)).toThrow(message);
  });
});
