import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectSituations, type Situation, START_TAP, startsFromNoise, startsFromPrediction } from '../../src/analysis/situations.js';
import { warmStart } from '../../src/diffusion/warm-start.js';
import { pushTTask } from '../../src/envs/push-t/task.js';
import { OptionError } from '../../src/foundation/errors.js';
import type { Decision, Policy } from '../../src/policy/policy.js';
import { useTestDevice } from '../support/device.js';
import { loadGolden } from '../support/golden-policy.js';
import { solverOptions } from '../support/recorded-case.js';

const STRATEGY = { name: 'STEP', budget: 1, coldStart: { steps: 2 } } as const;
const OPTIONS = { strategy: STRATEGY, seed: 100_000, episodes: 1, decisions: 3 };

describe('situations of Push-T', () => {
  const device = useTestDevice();
  let policy: Policy;
  let situations: Situation[];
  const decisions: Decision[] = [];
  const ticks: number[] = [];

  beforeAll(async () => {
    // A network of random weights pushes nothing anywhere: its episodes are cut after 300 ticks.
    const onDecision = (result: Decision): void => void decisions.push(result);
    policy = await loadGolden(device(), 'step-forward-noise', { predictor: true, taps: [START_TAP], onDecision });
    situations = await collectSituations(policy, { ...OPTIONS, task: pushTTask(policy.info), onTick: (_, tick) => ticks.push(tick) });
  });
  afterAll(() => policy.dispose());

  it('are spread over the episode, up to its last decision, without the first', () => {
    const every = policy.info.actionSteps;
    const last = Math.ceil(300 / every) - 1;
    expect(decisions).toHaveLength(last + 1);
    expect(situations.map(({ decision }) => decision)).toEqual([1, 2, 3].map((third) => Math.ceil((third * last) / 3)));
    for (const { decision, tick, warm, seed } of situations)
      expect({ tick, warm, seed }).toEqual({ tick: decision * every, warm: true, seed: 100_000 });
    expect(ticks.at(-1)).toBe(300);
  });

  it('are all decisions but the first where more are asked for than there are', async () => {
    const all = await collectSituations(policy, { ...OPTIONS, task: pushTTask(policy.info), decisions: 1000 });
    expect(all.map(({ decision }) => decision)).toEqual(Array.from({ length: situations.at(-1)!.decision }, (_, i) => i + 1));
  });

  it('know where the decision started: the same run from there makes the same chunk', async () => {
    const { schedule } = warmStart({ mode: 'forward-noise' }, 1, solverOptions('step-forward-noise'));
    const starts = startsFromPrediction(situations);
    const results = await policy.denoise(starts.map((start) => ({ ...start, schedule })));
    expect(results.map(({ normalizedChunk: chunk }) => chunk)).toEqual(
      situations.map(({ decision }) => decisions[decision]!.normalizedChunk),
    );
  });

  it('can be started from noise instead, which follows from the seed', () => {
    const size = policy.info.horizon * policy.info.actionDim;
    const starts = startsFromNoise(situations, size, 4);
    expect(starts.map(({ window }) => window)).toEqual(situations.map(({ window }) => window));
    expect(startsFromNoise(situations, size, 4)).toEqual(starts);
    expect(new Set([...starts, ...startsFromNoise(situations, size, 5)].map(({ sample }) => String(sample))).size).toBe(6);
  });

  it('need the tap', async () => {
    const untapped = await loadGolden(device(), 'step-forward-noise', { predictor: true });
    const collected = collectSituations(untapped, { ...OPTIONS, task: pushTTask(untapped.info) });
    await expect(collected).rejects.toThrow(OptionError);
    await expect(collected).rejects.toThrow(/must be loaded with `taps: \['start'\]`, found none/);
    await untapped.dispose();
  });

  it('are not played by a policy for something else', async () => {
    const other = await loadGolden(device(), 'state-ddpm10', { taps: [START_TAP] });
    expect(() => pushTTask(other.info)).toThrow(/has actions of \d+ values, Push-T takes 2/);
    await other.dispose();
  });

  it('stop when they are aborted', async () => {
    const controller = new AbortController();
    const onTick = (): void => controller.abort(new Error('enough'));
    await expect(
      collectSituations(policy, { ...OPTIONS, task: pushTTask(policy.info), signal: controller.signal, onTick }),
    ).rejects.toThrow('enough');
  });
});
