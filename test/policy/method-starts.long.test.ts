import { describe, expect, it } from 'vitest';
import { ControlLoop } from '../../src/control/control-loop.js';
import { OptionError } from '../../src/foundation/errors.js';
import { type LoadPolicyOptions, loadPolicy } from '../../src/policy/load-policy.js';
import type { Policy } from '../../src/policy/policy.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';
import { useTestDevice } from '../support/device.js';
import { irregular } from '../support/golden-policy.js';
import { FRAME_WIDTH, imageObservation, imagePolicy } from '../support/image-policy.js';
import { imagePredictor } from '../support/image-predictor.js';
import { randomPolicy, SMALL_UNET } from '../support/random-checkpoint.js';
import { randomHeads, randomStreaming } from '../support/random-method.js';

const device = useTestDevice();
const SDP: StrategyOptions = { name: 'SDP' };

describe('a policy with images', () => {
  const load = (strategy: StrategyOptions, networks: LoadPolicyOptions['networks']): Promise<Policy> =>
    loadPolicy(imagePolicy(), { device: device(), strategy, ...(networks ? { networks } : {}) });

  it('decides with SDP as without the image predictor that it was loaded with, pictures new or observed before', async () => {
    // As wide as to reach history and noise of the decision.
    const predictors = [undefined, imagePredictor('transformer', { features: 64 }).source];
    const actions: number[][] = [];
    for (const predictor of predictors) {
      const methods = randomStreaming({ frameWidth: FRAME_WIDTH, horizon: 16 });
      const policy = await load(SDP, { methods, ...(predictor ? { predictor } : {}) });
      for (const observation of [imageObservation(1), await policy.observe(imageObservation(1)), imageObservation(1)]) {
        actions.push([...(await policy.act(observation, { episode: policy.beginEpisode({ seed: 3 }) }))]);
      }
      await policy.dispose();
    }
    expect(actions[0]?.some((value) => value !== 0)).toBe(true);
    for (const one of actions) expect(one).toEqual(actions[0]);
  });

  it('decides with NO-Diffusion as without the CVAE that it was loaded with', async () => {
    const predictors = [undefined, imagePredictor('cvae').source];
    const actions: number[][] = [];
    for (const predictor of predictors) {
      const methods = randomHeads({ frameWidth: FRAME_WIDTH, horizon: 8 });
      const policy = await load({ name: 'NO-Diffusion' }, { methods, ...(predictor ? { predictor } : {}) });
      actions.push([...(await policy.act(imageObservation(1), { noise: irregular(16) }))]);
      await policy.dispose();
    }
    expect(actions[1]).toEqual(actions[0]);
  });
});

describe('a policy with a network of another horizon', () => {
  const FRAME = 3;
  const window = { 'observation.state': irregular(2 * FRAME) };
  const load = (): Promise<Policy> =>
    loadPolicy(randomPolicy(SMALL_UNET, FRAME).source, {
      device: device(),
      strategy: SDP,
      networks: { methods: randomStreaming({ frameWidth: FRAME, horizon: 16 }) },
      probes: ['global_cond'],
    });

  it('takes step noise of that horizon, and refuses that of its own', async () => {
    const policy = await load();
    const rows = (size: number): Float32Array[] => Array.from({ length: 8 }, (_, row) => irregular(size, row));
    const decide = (size: number) => policy.decideAll([{ episode: policy.beginEpisode(), window, stepNoise: rows(size) }]);
    const [decision] = await decide(32);
    expect(decision?.chunk).toHaveLength(32);
    await expect(decide(16)).rejects.toThrow(OptionError);
    await expect(decide(16)).rejects.toThrow(/stepNoise\[0\] must have 32 values.*found 16/);
    await policy.dispose();
  });

  it('makes decisions of episodes with SDP of their own in one batch', async () => {
    const policy = await load();
    const requests = [0, 1, 2].map((seed) => ({ episode: policy.beginEpisode({ strategy: SDP, seed }), window }));
    for (const { probes } of await policy.decideAll(requests)) expect(probes.get('global_cond')).toHaveLength(3 * 2 * FRAME);
    await policy.dispose();
  });

  it('is not for a control loop, which says so', async () => {
    const policy = await load();
    expect(policy.info.decidesAhead).toBe(false);
    const loop = (): unknown => new ControlLoop(policy, { tickMs: 20, send: () => {}, onStop: () => {}, late: 'hold' });
    expect(loop).toThrow(/decides 4 actions at a time, and rows behind them are noise/);
    policy.useStrategy({ name: 'DDIM', steps: 2 });
    await policy.warmup();
    expect(policy.info.decidesAhead).toBe(true);
    await policy.dispose();
  });
});
