import { describe, expect, it } from 'vitest';
import { loadPolicyCheckpoint } from '../../src/checkpoints/read-policy.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Decision } from '../../src/policy/policy.js';
import { createStrategy } from '../../src/strategies/index.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';
import { applyToSample } from '../support/apply-solver-step.js';
import { ChangedCheckpoint } from '../support/changed-checkpoint.js';
import { useTestDevice } from '../support/device.js';
import { decideTogether, irregular, noise, observation, probe, sampleOf } from '../support/golden-policy.js';
import { relativeError } from '../support/recorded-case.js';

const BATCH = 2;

describe('a decision is what the host makes of the network it ran, step by step', () => {
  const device = useTestDevice();

  it.each<[string, object, readonly StrategyOptions[]]>([
    [
      'of predicted noise',
      {},
      [
        { name: 'DDIM', steps: 3 },
        { name: 'DDIM', steps: 3, clip: { quantile: 0.8, most: 1.4 } },
        { name: 'DDIM', steps: 3, useClippedModelOutput: true },
        { name: 'DPM-Solver++', steps: 5, solverOrder: 3, lowerOrderFinal: false, lambdaMinClipped: -5.1 },
        { name: 'DPM-Solver++', steps: 4, useKarrasSigmas: true, clip: { quantile: 0.9, most: 2 } },
        { name: 'DPM-Solver++', steps: 3, algorithmType: 'sde-dpmsolver++', lambdaMinClipped: -5.1 },
        { name: 'DDPM', steps: 3, varianceType: 'fixed_large' },
      ],
    ],
    [
      'of predicted v, thresholded as the checkpoint says',
      {
        prediction_type: 'v_prediction',
        thresholding: true,
        dynamic_thresholding_ratio: 0.7,
        sample_max_value: 3,
        timestep_spacing: 'trailing',
      },
      [
        { name: 'DDIM', steps: 3 },
        { name: 'DPM-Solver++', steps: 4 },
      ],
    ],
  ])('%s', async (_, keys, strategies) => {
    const changed = (): ChangedCheckpoint => new ChangedCheckpoint('state-ddim2').config((config) => Object.assign(config, keys));
    const { scheduler } = await loadPolicyCheckpoint(changed().source);
    const policy = await loadPolicy(changed().source, { device: device(), probes: ['model_output', 'sample'] });
    const { horizon, actionDim, observationSteps, actionSteps } = policy.info;
    for (const options of strategies) {
      policy.useStrategy(options);
      const { steps, noisySteps } = createStrategy(options, { scheduler, horizon, actionDim, observationSteps, actionSteps }).usual;
      const starts = noise(policy, 0, BATCH);
      const stepNoise = (b: number): Float32Array[] =>
        Array.from({ length: noisySteps }, (_row, row) => irregular(horizon * actionDim, 7 + 10 * b + row));
      const [first] = await decideTogether(policy, 0, BATCH, (b) => ({
        noise: sampleOf(starts, BATCH, b),
        stepNoise: stepNoise(b),
      }));
      for (let b = 0; b < BATCH; b++) {
        const own = (name: string): Float32Array => sampleOf(probe(first as Decision, name), BATCH, b);
        let x: ArrayLike<number> = sampleOf(starts, BATCH, b);
        const rows = stepNoise(b);
        const past: Float64Array[] = [];
        steps.forEach((step, i) => {
          const fresh = step.fromNoise === 0 ? undefined : rows.shift();
          const result = applyToSample(step, {
            x,
            output: own(`model_output.${i}`),
            noise: fresh,
            previousX0: past.at(-1),
            olderX0: past.at(-2),
          });
          past.push(result.x0);
          x = own(`sample.${i}`);
          expect(relativeError(result.x, x as Float32Array), `${JSON.stringify(options)}: sample ${b} after step ${i}`).toBeLessThan(5e-6);
        });
      }
    }
    await policy.dispose();
  });

  it('of more action steps than a chunk has left executes those that there are, and decides again', async () => {
    const source = new ChangedCheckpoint('state-ddim2').config((config) => Object.assign(config, { n_action_steps: 64 })).source;
    const made: Float32Array[] = [];
    const policy = await loadPolicy(source, { device: device(), onDecision: ({ actions }) => made.push(actions) });
    const { actionSteps, actionDim } = policy.info;
    expect(actionSteps).toBe(15);
    const executed: number[] = [];
    for (let tick = 0; tick < 16; tick++) executed.push(...(await policy.act(observation(policy, tick))));
    expect(made).toHaveLength(2);
    expect(made[0]).toHaveLength(15 * actionDim);
    expect(executed).toEqual([...(made[0] as Float32Array), ...(made[1] as Float32Array).subarray(0, actionDim)]);
    await policy.dispose();
  });
});
