import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Decision } from '../../src/policy/policy.js';
import type { RtiDpStrategyOptions } from '../../src/strategies/strategy-options.js';
import { useTestDevice } from '../support/device.js';
import { loadGolden, probe, row, vectors } from '../support/golden-policy.js';
import { floats, readTensors, relativeError } from '../support/recorded-case.js';
import { at } from '../support/toy.js';

/** What test/goldens/README.md allows these cases: a chain of 100 evaluations in float32. */
const BOUND = 2e-5;

interface RtiDpCase {
  readonly decisions: number;
  readonly timesteps: number[];
  readonly gripper: NonNullable<RtiDpStrategyOptions['gripper']>;
}

describe('RTI-DP against the released code, with a gripper', () => {
  const device = useTestDevice();

  it.each(['rti-dp-clip', 'rti-dp-scale'])('%s', async (name) => {
    const path = `methods/${name}`;
    const { decisions, timesteps, gripper } = JSON.parse(
      readFileSync(new URL(`../goldens/${path}/case.json`, import.meta.url), 'utf8'),
    ) as RtiDpCase;
    const tensors = readTensors(path);
    const results: Decision[] = [];
    const policy = await loadGolden(device(), path, {
      strategy: { name: 'RTI-DP', timesteps, gripper },
      probes: ['sample'],
      onDecision: (result) => results.push(result),
    });
    const { horizon, actionDim } = policy.info;
    for (let tick = 0; tick < decisions; tick++) {
      const evaluations = tick === 0 ? 100 : timesteps.length;
      const frame = Object.fromEntries(
        vectors(policy).map(({ name: feature, size }) => [feature, row(tensors, `ticks.input.${feature}`, tick, size)]),
      );
      // The last step, at timestep 0, takes no noise.
      const stepNoise = Array.from({ length: evaluations - 1 }, (_, step) =>
        row(tensors, `ticks.input.variance_noise.${tick}`, step, horizon * actionDim),
      );
      const action = await policy.act(frame, { stepNoise, ...(tick === 0 ? { noise: floats(tensors, 'ticks.input.noise') } : {}) });
      const result = at(results, tick);
      expect(result.timesteps).toHaveLength(evaluations);
      expect(relativeError(probe(result, `sample.${evaluations - 1}`), floats(tensors, `expected.chunk.${tick}`))).toBeLessThan(BOUND);
      expect(relativeError(result.normalizedChunk, floats(tensors, `expected.guess.${tick}`))).toBeLessThan(BOUND);
      expect(relativeError(action, row(tensors, 'ticks.expected.action', tick, actionDim))).toBeLessThan(BOUND);
    }
    await policy.dispose();
  });
});
