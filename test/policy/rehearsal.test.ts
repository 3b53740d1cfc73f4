import { expect, it } from 'vitest';
import { bridgeSchedule } from '../../src/diffusion/interpolant.js';
import { oneEvaluation } from '../../src/policy/rehearsal.js';
import { type Strategy, singleRuns } from '../../src/strategies/strategy.js';

it('a rehearsal asks every network of a usual decision once', () => {
  const usual = bridgeSchedule({ steps: 3, form: 'bs', noiseScale: 0.03, timeMin: 0.001, gammaInverseMax: 200 });
  const networks = [...new Set(usual.steps.map(({ network }) => network))];
  expect(networks).toHaveLength(2);
  const strategy: Strategy = {
    description: 'BRIDGER',
    schedules: [usual],
    usual,
    needs: [],
    denoiser: 'bridger',
    actionSteps: 1,
    needsOnlyChunks: true,
    begin: singleRuns(() => ({ predictionScale: 0, noiseScale: 1, schedule: usual, warm: false, stalled: false })),
  };
  const tried = oneEvaluation(strategy, false, 2);
  expect(tried.usual.steps.map(({ network }) => network)).toEqual(networks);
  const [request] = tried
    .begin()
    .decide({} as never)
    .next().value as readonly { readonly schedule: unknown }[];
  expect(request?.schedule).toBe(tried.usual);
});
