import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { pushTObservation } from '../../src/envs/push-t/observations.js';
import { PushT, SUCCESS_COVERAGE } from '../../src/envs/push-t/push-t.js';
import { folderSource } from '../../src/platform/node/folder-source.js';
import { GoldenCase } from '../../src/verification/golden-case.js';
import { useTestDevice } from '../support/device.js';
import { loadGolden } from '../support/golden-policy.js';

const CASE = fileURLToPath(new URL('../goldens/step-pusht-trained', import.meta.url));
/** Seed of the recorded episode (case.json), which reached this coverage on Chipmunk, with networks in PyTorch. */
const SEED = 100_001;
const COVERAGE = 0.9746635673104523;

describe('the recorded closed-loop episode', () => {
  const device = useTestDevice();

  it('is followed in this simulator by this engine, from the recorded noise', async () => {
    const recorded = await GoldenCase.open(await folderSource(CASE));
    const noise = await recorded.values('ticks.input.noise');
    const actions = await recorded.values('ticks.expected.action');
    const agents = await recorded.values('ticks.input.observation.state');
    const vertices = await recorded.values('ticks.input.observation.environment_state');
    const policy = await loadGolden(device(), 'step-pusht-trained', { predictor: true });
    const environment = new PushT();
    environment.reset(SEED);
    const farthest = { observation: 0, action: 0 };
    const compare = (kind: keyof typeof farthest, found: ArrayLike<number>, expected: Float32Array): void => {
      expected.forEach((value, i) => (farthest[kind] = Math.max(farthest[kind], Math.abs((found[i] as number) - value))));
    };
    const chunk = policy.info.horizon * policy.info.actionDim;
    let best = 0;
    for (let tick = 0; tick < actions.length / 2; tick++) {
      const observation = pushTObservation(environment.state);
      compare('observation', observation['observation.state']!, agents.subarray(2 * tick, 2 * tick + 2));
      compare('observation', observation['observation.environment_state']!, vertices.subarray(16 * tick, 16 * tick + 16));
      const decision = Math.floor(tick / policy.info.actionSteps);
      const action = await policy.act(observation, { noise: noise.subarray(decision * chunk, (decision + 1) * chunk) });
      compare('action', action, actions.subarray(2 * tick, 2 * tick + 2));
      best = Math.max(best, environment.step(action).coverage);
    }
    await policy.dispose();
    expect(best).toBeGreaterThan(SUCCESS_COVERAGE);
    expect(Math.abs(best - COVERAGE)).toBeLessThan(1e-4);
    // Every decision starts from the rounding of those before it, and the physics carries it on: pixels of 512.
    expect(farthest.observation).toBeLessThan(0.02);
    expect(farthest.action).toBeLessThan(0.02);
  });
});
