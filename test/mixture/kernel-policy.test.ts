import { describe, expect, it } from 'vitest';
import { encodeSafetensors, SafetensorsFile, type WritableTensor } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import { ControlLoop } from '../../src/control/control-loop.js';
import { evaluate } from '../../src/evaluation/evaluate.js';
import { measureLatency } from '../../src/evaluation/latency.js';
import { CheckpointError, DisposedError, NonFiniteError, OptionError } from '../../src/foundation/errors.js';
import { type KernelDemonstrations, readDemonstrations } from '../../src/mixture/demonstrations.js';
import { kernelPolicy } from '../../src/mixture/kernel-policy.js';
import { parseStrategy } from '../../src/strategies/parse.js';
import { lineTask, pausedDemonstrations } from '../support/paused-line.js';

const WINDOW = { 'observation.state': [0.1, 0.9, 0.15, 0.85] };
/** STEP as the paper runs it on robots: a start without noise. */
const STILL = 'step:2/start=eq13/sigmaT=0';

describe('a kernel policy', () => {
  const policy = kernelPolicy(pausedDemonstrations());

  it.each([
    'ddpm:10',
    'ddim:4',
    'dpm-solver++:4',
    'step:2',
    STILL,
    `${STILL}/stall`,
    'step:2/predictor=shift',
    'step:2/cold=zero-history',
    'rti-dp/timesteps=8-4-0',
    'falcon:8',
  ])('runs %s: its chunks are demonstrated ones', async (spelled) => {
    const episode = policy.beginEpisode({ strategy: parseStrategy(spelled).options, seed: 3 });
    // RTI-DP moves its chunk on with every decision, and this window stays.
    for (let decision = 0; decision < (spelled.startsWith('rti') ? 1 : 3); decision++) {
      const [made] = await policy.decideAll([{ episode, window: WINDOW }]);
      // Row 1 belongs to the newest observation: from 0.15 on by 0.05 a tick.
      const rows = Array.from(made?.actions ?? []).filter((_, i) => i % 2 === 0);
      expect(rows).toHaveLength(spelled.startsWith('rti') ? 1 : 2 * 4);
      rows.forEach((value, row) => expect(Math.abs(value - Math.min(0.5, 0.2 + 0.05 * row))).toBeLessThan(0.06));
    }
  });

  it('decides with the same bits alone, in a batch, and again', async () => {
    const strategy = parseStrategy('ddpm:10').options;
    const episodes = [1, 2].map((seed) => policy.beginEpisode({ strategy, seed }));
    const together = await policy.decideAll(episodes.map((episode) => ({ episode, window: WINDOW })));
    const [alone] = await policy.decideAll([{ episode: policy.beginEpisode({ strategy, seed: 2 }), window: WINDOW }]);
    expect(alone?.chunk).toEqual(together[1]?.chunk);
    expect(alone?.chunk).not.toEqual(together[0]?.chunk);
    policy.useStrategy(strategy);
    const again = await policy.decide(WINDOW, { previous: [], ...(alone?.noiseKey ? { noiseKey: alone.noiseKey } : {}) });
    expect(again.chunk).toEqual(alone?.chunk);
  });

  it('acts tick by tick, and in a control loop', async () => {
    const one = kernelPolicy(pausedDemonstrations(0), { strategy: parseStrategy(STILL).options });
    let place = [0, 1];
    for (let tick = 0; tick < 24; tick++) place = [...(await one.act({ 'observation.state': place }))];
    expect(place[0]).toBeGreaterThan(0.95);
    one.reset();
    const [first = NaN] = await one.act({ 'observation.state': [0, 1] });
    expect(Math.abs(first - 0.05)).toBeLessThan(0.05);
    expect(() => new ControlLoop(one, { tickMs: 100, late: 'hold', send: () => {}, onStop: () => {} })).not.toThrow();
  });

  it('gives no action where its start was beyond what numbers hold', async () => {
    const strategy = parseStrategy('step:2/start=eq13/sigmaT=1e300/cold=zero-history').options;
    const episode = policy.beginEpisode({ strategy });
    await expect(policy.decideAll([{ episode, window: WINDOW }])).rejects.toThrow(NonFiniteError);
    expect(episode.decisions).toBe(0);
    const [settled] = await policy.decideAllSettled([{ episode, window: WINDOW }]);
    expect(settled).toMatchObject({ status: 'rejected', reason: expect.any(NonFiniteError) });
  });

  it('refuses what belongs to another policy, and everything once it was disposed of', async () => {
    const other = kernelPolicy(pausedDemonstrations());
    await expect(policy.decideAll([{ episode: other.beginEpisode(), window: WINDOW }])).rejects.toThrow(/beginEpisode\(\) of this policy/);
    await other.dispose();
    expect(() => other.beginEpisode()).toThrow(DisposedError);
    await expect(other.decide(WINDOW)).rejects.toThrow(DisposedError);
    await expect(other.act({ 'observation.state': [0, 1] })).rejects.toThrow(DisposedError);
  });

  it('says what of the demonstrations does not go together', () => {
    const good = pausedDemonstrations();
    const wrong =
      (change: Partial<KernelDemonstrations>): (() => unknown) =>
      () =>
        kernelPolicy({ ...good, ...change });
    expect(wrong({ episodeEnds: [5, 5] })).toThrow(/episodeEnds\[1\] must be an integer from 6/);
    expect(wrong({ episodeEnds: [] })).toThrow(OptionError);
    expect(wrong({ observations: [] })).toThrow(/what was observed/);
    expect(wrong({ actions: [1, 2] })).toThrow(/actions must have \d+ × 2 finite f32 numbers/);
    expect(wrong({ observations: [...good.observations, ...good.observations] })).toThrow(/there twice/);
    const [state] = good.observations as [KernelDemonstrations['observations'][number]];
    expect(wrong({ observations: [{ ...state, scales: [1] }] })).toThrow(/number of scales/);
    expect(wrong({ observations: [{ ...state, values: Array.from(state.values, () => NaN) }] })).toThrow(/frame 0, value 0/);
    expect(() => kernelPolicy(good, { actionSteps: 16 })).toThrow(/actionSteps must be an integer from 1 to 15/);
  });
});

describe('a pause in the demonstrations', () => {
  const succeeds = async (pause: number, spelled: string): Promise<number> => {
    const policy = kernelPolicy(pausedDemonstrations(pause));
    const records = await evaluate(policy, {
      task: lineTask(240),
      strategy: parseStrategy(spelled),
      seeds: [0, 1, 2, 3, 4, 5],
      parallel: 6,
    });
    expect(records.map(({ failure }) => failure)).toEqual(new Array(6).fill(undefined));
    return records.filter(({ success }) => success).length;
  };

  it('stops STEP for good, since the prediction repeats the chunk; the perturbation frees it', async () => {
    expect(await succeeds(40, STILL)).toBe(0);
    expect(await succeeds(40, `${STILL}/sigmaStall=0`)).toBe(0);
    expect(await succeeds(40, `${STILL}/sigmaStall=1.2`)).toBeGreaterThanOrEqual(5);
  });

  it('is what stops it: without one there is nothing to be freed from', async () => {
    expect(await succeeds(0, STILL)).toBe(6);
  });

  it('has latencies as any policy has', async () => {
    const policy = kernelPolicy(pausedDemonstrations());
    const options = { task: lineTask(40), strategy: parseStrategy('ddim:2'), seed: 1, decisions: 4, budgetMs: 1e6 };
    expect((await measureLatency(policy, options)).latency.samplesMs.length).toBeGreaterThanOrEqual(4);
  });
});

describe('a file of demonstrations', () => {
  const tensors: readonly WritableTensor[] = [
    { name: 'observation.state', dtype: 'F32', shape: [3, 1], data: [0, 0.5, 1] },
    { name: 'observation.environment_state', dtype: 'F32', shape: [3, 3], data: [0, 1, 2, 3, 4, 5, 6, 7, 8] },
    { name: 'action', dtype: 'F32', shape: [3, 1], data: [0.5, 1, 1] },
    { name: 'episode_ends', dtype: 'I64', shape: [1], data: [3] },
  ];
  const read = async (given: readonly WritableTensor[], metadata: Record<string, string> = {}): Promise<KernelDemonstrations> => {
    const source = await memorySource('test', { file: encodeSafetensors(given, metadata) }).open('file');
    return readDemonstrations(await SafetensorsFile.open(source));
  };

  it('counts places in metres, and leaves out angles and what moves them', async () => {
    const names = JSON.stringify(['cube.x', 'cube.z', 'cube.cos4yaw']);
    const found = await read(tensors, { task: 'push', environment_state_names: names });
    expect(found).toMatchObject({ name: 'push', actionDim: 1, episodeEnds: [3] });
    expect(found.observations.map(({ name, scales, changes }) => [name, scales, changes])).toEqual([
      ['observation.environment_state', [10, 10, 0], 0],
      ['observation.state', undefined, undefined],
    ]);
    expect(kernelPolicy(found).info).toMatchObject({ name: 'push', episodes: 1, frames: 3 });
  });

  it.each(['{', '3', '[1]', '["a"]', undefined])('compares by ranges where names are %s', async (names) => {
    const found = await read(tensors, names === undefined ? {} : { environment_state_names: names });
    expect(found.observations[0]).not.toHaveProperty('scales');
  });

  it('is refused without rows of actions, or with episodes that end elsewhere', async () => {
    await expect(read(tensors.filter(({ name }) => name !== 'action'))).rejects.toThrow(CheckpointError);
    await expect(read(tensors.map((one) => (one.name === 'action' ? { ...one, shape: [3] } : one)))).rejects.toThrow(/expected rows/);
    const short = await read(tensors.map((one) => (one.name === 'episode_ends' ? { ...one, data: [2] } : one)));
    expect(() => kernelPolicy(short)).toThrow(OptionError);
  });
});
