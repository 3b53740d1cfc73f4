import { describe, expect, it } from 'vitest';
import { signalAndNoise } from '../../src/diffusion/solver-step.js';
import { warmStart } from '../../src/diffusion/warm-start.js';
import type { Decision, Policy } from '../../src/policy/policy.js';
import type { PastChunk } from '../../src/strategies/strategy.js';
import type { StepStrategyOptions, WarmStartOptions } from '../../src/strategies/strategy-options.js';
import { applySolverStep } from '../support/apply-solver-step.js';
import { useTestDevice } from '../support/device.js';
import { bits, decideTogether, irregular, loadGolden, noise, sampleOf, window } from '../support/golden-policy.js';
import { solverOptions } from '../support/recorded-case.js';

const CASE = 'step-forward-noise';
const TAPS = ['prediction', 'start', 'model_output', 'sample'];

function tap(result: Decision, name: string): Float32Array {
  const values = result.taps.get(name);
  if (!values) throw new Error(`no tap ${name}: there are ${[...result.taps.keys()].join(', ')}`);
  return values;
}

function pastChunk(policy: Policy, salt: number, batch = 1): PastChunk {
  const { horizon, actionDim } = policy.info;
  const values = irregular(batch * horizon * actionDim, 50 + salt);
  return { normalizedChunk: values, chunk: values.map((value) => 100 * value) };
}

/** The scales a, b of start = a · prediction + b · noise, by least squares; throws where they do not explain the start. */
function scalesOf(start: Float32Array, prediction: Float32Array, given: Float32Array): [number, number] {
  const dot = (x: Float32Array, y: Float32Array): number => x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);
  const [pp, pn, nn] = [dot(prediction, prediction), dot(prediction, given), dot(given, given)];
  const [ps, ns] = [dot(prediction, start), dot(given, start)];
  const determinant = pp * nn - pn * pn;
  const a = (ps * nn - ns * pn) / determinant;
  const b = (ns * pp - ps * pn) / determinant;
  const residual = Math.max(...start.map((value, i) => Math.abs(value - a * (prediction[i] as number) - b * (given[i] as number))));
  if (!(residual < 1e-5)) throw new Error(`the start is no mixture of prediction and noise: ${residual} is left`);
  return [a, b];
}

describe('STEP', () => {
  const device = useTestDevice();

  it('starts an episode cold, with DDIM 16, and goes on warm with the budget', async () => {
    const policy = await loadGolden(device(), CASE, { predictor: true });
    const cold = await policy.decide(window(policy, 0));
    const warm = await policy.decide(window(policy, 1));
    expect([cold.warm, warm.warm]).toEqual([false, true]);
    expect(cold.timesteps).toHaveLength(16);
    expect(warm.timesteps).toEqual([50, 0]);
    expect(policy.info.strategy).toBe('STEP 2 (forward-noise, cold DDIM 16)');
    await policy.dispose();
  });

  it('with the shift predictor equals a host computation of shift, warm start and refinement', async () => {
    const policy = await loadGolden(device(), CASE, { predictor: 'shift', taps: TAPS });
    const { actionSteps, actionDim, horizon } = policy.info;
    const past = pastChunk(policy, 0);
    const given = noise(policy);
    const result = await policy.decide(window(policy), { previous: [past], noise: given });

    const shifted = Float32Array.from({ length: horizon * actionDim }, (_, i) => {
      const row = Math.min(Math.floor(i / actionDim) + actionSteps, horizon - 1);
      return past.normalizedChunk[row * actionDim + (i % actionDim)] as number;
    });
    expect(tap(result, 'prediction')).toEqual(shifted);
    const { predictionScale, noiseScale, schedule } = warmStart({ mode: 'forward-noise' }, 2, solverOptions(CASE));
    const start = tap(result, 'start');
    start.forEach((value, i) => {
      expect(value).toBeCloseTo(predictionScale * (shifted[i] as number) + noiseScale * (given[i] as number), 5);
    });
    let sample = start;
    let x0 = new Float32Array(start.length);
    schedule.steps.forEach((step, index) => {
      const output = tap(result, `model_output.${index}`);
      const next = Array.from(sample, (x, i) => applySolverStep(step, x, output[i] as number, x0[i] as number, 0));
      sample = Float32Array.from(next, ({ x }) => x);
      x0 = Float32Array.from(next, (value) => value.x0);
      tap(result, `sample.${index}`).forEach((value, i) => expect(value).toBeCloseTo(sample[i] as number, 4));
    });
    expect(tap(result, 'sample.1')).toEqual(result.normalizedChunk);
    await policy.dispose();
  });

  it.each([1, 2, 4, 8])('budget %i: as many evaluations, from the first timestep of the cold schedule of that length', async (budget) => {
    const policy = await loadGolden(device(), CASE, { predictor: 'shift', strategy: { name: 'STEP', budget } });
    const { timesteps } = await policy.decide(window(policy), { previous: [pastChunk(policy, 0)] });
    const stride = Math.floor(100 / budget);
    expect(timesteps).toEqual(Array.from({ length: budget }, (_, i) => (budget - 1 - i) * stride));
    await policy.dispose();
  });

  it('mixes prediction and noise as each warm start says', async () => {
    const policy = await loadGolden(device(), CASE, { predictor: 'shift', taps: TAPS });
    const { alphasCumprod } = solverOptions(CASE);
    const level = (timestep: number): { signal: number; noise: number } => signalAndNoise(alphasCumprod, timestep);
    const given = noise(policy);
    const mix = async (mode: WarmStartOptions): Promise<{ scales: [number, number]; timesteps: readonly number[] }> => {
      policy.useStrategy({ name: 'STEP', budget: 2, warmStart: mode });
      const result = await policy.decide(window(policy), { previous: [pastChunk(policy, 0)], noise: given });
      return { scales: scalesOf(tap(result, 'start'), tap(result, 'prediction'), given), timesteps: result.timesteps };
    };
    const expectMix = async (mode: WarmStartOptions, scales: [number, number], timesteps: readonly number[]): Promise<void> => {
      const found = await mix(mode);
      expect(found.timesteps).toEqual(timesteps);
      expect(found.scales[0]).toBeCloseTo(scales[0], 5);
      expect(found.scales[1]).toBeCloseTo(scales[1], 5);
    };
    const { signal, noise: sigma } = level(50);
    await expectMix('forward-noise', [signal, sigma], [50, 0]);
    await expectMix({ mode: 'forward-noise' }, [signal, sigma], [50, 0]);
    await expectMix({ mode: 'eq13' }, [1, 0.1], [50, 0]);
    await expectMix({ mode: 'eq13', sigma: 0.8, sigmaT: 0.3 }, [0.8, 0.3], [50, 0]);
    await expectMix({ mode: 'train-index' }, [1, 0.1], [1, 0]);
    await expectMix({ mode: 'mean-matched', sigmaT: 0.2 }, [signal, 0.2], [50, 0]);
    // Rescaled to the level whose ratio of noise to signal is nearest to the mixture's.
    const matched = await mix({ mode: 'snr-matched', sigma: 1, sigmaT: 0.5 });
    const first = matched.timesteps[0] as number;
    expect(matched.scales[0]).toBeCloseTo(level(first).signal, 5);
    expect(matched.scales[1] / matched.scales[0]).toBeCloseTo(0.5, 5);
    expect(level(first).noise / level(first).signal).toBeCloseTo(0.5, 1);
    await policy.dispose();
  });

  it('zero-history: warm from the first decision, as if the previous chunk were zeros', async () => {
    const strategy: StepStrategyOptions = { name: 'STEP', coldStart: { mode: 'zero-history' } };
    const policy = await loadGolden(device(), CASE, { predictor: true, strategy, taps: TAPS });
    const { horizon, actionDim } = policy.info;
    const first = await policy.decide(window(policy), { noise: noise(policy) });
    expect(first.warm).toBe(true);
    const zeros = new Float32Array(horizon * actionDim);
    const past = { normalizedChunk: zeros, chunk: zeros };
    const explicit = await policy.decide(window(policy), { previous: [past], noise: noise(policy) });
    expect(tap(first, 'prediction')).toEqual(tap(explicit, 'prediction'));
    expect(bits(first)).toEqual(bits(explicit));
    expect(tap(first, 'prediction').some((value) => value !== 0)).toBe(true);
    await policy.dispose();
  });

  it('chooses the shift predictor for itself, with the bits of a policy that has no other', async () => {
    const both = await loadGolden(device(), CASE, { predictor: true, strategy: { name: 'STEP', predictor: 'shift' } });
    const shift = await loadGolden(device(), CASE, { predictor: 'shift' });
    const options = { previous: [pastChunk(both, 0)], noise: noise(both) };
    const expected = await shift.decide(window(shift), options);
    const found = await both.decide(window(both), options);
    expect(found.warm).toBe(true);
    // The mixture is made on the host instead of the device: the last bit of a product may differ.
    found.normalizedChunk.forEach((value, i) => expect(value).toBeCloseTo(expected.normalizedChunk[i] as number, 5));
    const network = await loadGolden(device(), CASE, { predictor: true });
    expect(bits(await network.decide(window(network), options))).not.toEqual(bits(found));
    for (const policy of [both, shift, network]) await policy.dispose();
  });

  it('shows the predictor the rows of the previous chunk that `history` names, and zeros for the others', async () => {
    const policy = await loadGolden(device(), CASE, { predictor: true, taps: ['prediction'] });
    const { observationSteps, actionSteps, actionDim } = policy.info;
    const past = pastChunk(policy, 0);
    const end = (observationSteps - 1 + actionSteps) * actionDim;
    const predictionOf = async (history: 'full' | 'executed' | 'tail' | 'none', chunk: Float32Array): Promise<Float32Array> => {
      policy.useStrategy({ name: 'STEP', history });
      return tap(
        await policy.decide(window(policy), { previous: [{ ...past, normalizedChunk: chunk }], noise: noise(policy) }),
        'prediction',
      );
    };
    const cut = {
      executed: past.normalizedChunk.slice().fill(0, end),
      tail: past.normalizedChunk.slice().fill(0, 0, end),
      none: new Float32Array(past.normalizedChunk.length),
    };
    const all = [await predictionOf('full', past.normalizedChunk)];
    for (const history of ['executed', 'tail', 'none'] as const) {
      const found = await predictionOf(history, past.normalizedChunk);
      expect(found).toEqual(await predictionOf('full', cut[history]));
      all.push(found);
    }
    expect(new Set(all.map(String)).size).toBe(4);
    await policy.dispose();
  });

  it("a stateless plan with `previous` equals the episode's own decision, and leaves the episode alone", async () => {
    const strategy: StepStrategyOptions = { name: 'STEP', stall: { eps: 1e6 } };
    const policy = await loadGolden(device(), CASE, { predictor: true, strategy });
    const episode: Decision[] = [];
    for (const tick of [0, 1, 2, 3]) {
      const options = { noise: noise(policy, tick) };
      const previous = episode.slice(-2).reverse();
      const before = await policy.decide(window(policy, tick), { ...options, previous });
      const own = await policy.decide(window(policy, tick), options);
      expect(bits(before)).toEqual(bits(own));
      expect(before.stalled).toEqual(own.stalled);
      episode.push(own);
    }
    expect(episode.map(({ stalled }) => stalled)).toEqual([false, false, true, true]);
    await policy.dispose();
  });
});

describe('the stall rule', () => {
  const device = useTestDevice();

  it.each<[string, StepStrategyOptions, boolean[]]>([
    ['is off unless asked for', { name: 'STEP' }, [false, false, false]],
    ['fires where two chunks are nearer than eps, once there are two', { name: 'STEP', stall: { eps: 1e6 } }, [false, false, true]],
    ['does not fire where they are not', { name: 'STEP', stall: { eps: 1e-9 } }, [false, false, false]],
  ])('%s', async (_, strategy, expected) => {
    const policy = await loadGolden(device(), CASE, { predictor: 'shift', strategy });
    const stalled: boolean[] = [];
    for (const tick of [0, 1, 2]) stalled.push((await policy.decide(window(policy, tick))).stalled);
    expect(stalled).toEqual(expected);
    await policy.dispose();
  });

  it('decides for every sample of a batch on its own, and mixes each start accordingly', async () => {
    const policy = await loadGolden(device(), CASE, { predictor: 'shift', strategy: { name: 'STEP', stall: {} }, taps: TAPS });
    const still = pastChunk(policy, 0, 2);
    // Sample 0 repeats its chunk, sample 1 does not.
    const moved = {
      ...still,
      normalizedChunk: still.normalizedChunk.map((value, i) => (i < still.normalizedChunk.length / 2 ? value : -value)),
    };
    const given = noise(policy, 0, 2);
    const own = (past: PastChunk, b: number): PastChunk => ({
      normalizedChunk: sampleOf(past.normalizedChunk, 2, b),
      chunk: sampleOf(past.chunk, 2, b),
    });
    const results = await decideTogether(policy, 0, 2, (b) => ({ previous: [own(still, b), own(moved, b)], noise: noise(policy, b) }));
    expect(results.map(({ stalled }) => stalled)).toEqual([true, false]);
    const [result] = results as [Decision];
    const [starts, predictions] = [tap(result, 'start'), tap(result, 'prediction')];
    const scales = [0, 1].map((b) => scalesOf(sampleOf(starts, 2, b), sampleOf(predictions, 2, b), sampleOf(given, 2, b)));
    const { signal, noise: sigma } = signalAndNoise(solverOptions(CASE).alphasCumprod, 50);
    [0.4, 1.2].forEach((scale, i) => expect(scales[0]?.[i]).toBeCloseTo(scale, 5));
    [signal, sigma].forEach((scale, i) => expect(scales[1]?.[i]).toBeCloseTo(scale, 5));
    await policy.dispose();
  });

  it('runs samples of a batch apart where they need different timesteps, with the bits of each alone', async () => {
    const strategy: StepStrategyOptions = { name: 'STEP', warmStart: { mode: 'train-index' }, stall: {} };
    const policy = await loadGolden(device(), CASE, { predictor: 'shift', strategy });
    const still = pastChunk(policy, 0, 2);
    const moved = {
      ...still,
      normalizedChunk: still.normalizedChunk.map((value, i) => (i < still.normalizedChunk.length / 2 ? value : -value)),
    };
    const own = (past: PastChunk, b: number): PastChunk => ({
      normalizedChunk: sampleOf(past.normalizedChunk, 2, b),
      chunk: sampleOf(past.chunk, 2, b),
    });
    const optionsOf = (b: number) => ({ previous: [own(still, b), own(moved, b)], noise: noise(policy, b) });
    const together = await decideTogether(policy, 0, 2, optionsOf);
    expect(together.map(({ stalled }) => stalled)).toEqual([true, false]);
    for (const b of [0, 1]) {
      const alone = await policy.decide(window(policy, b), optionsOf(b));
      expect(alone.timesteps).toEqual(b === 0 ? [50, 0] : [1, 0]);
      expect(bits(alone)).toEqual(bits(together[b] as Decision));
    }
    await policy.dispose();
  });

  it('compares the rows, the norm and the space that it is told to', async () => {
    const policy = await loadGolden(device(), CASE, { predictor: 'shift' });
    const older = pastChunk(policy, 0);
    // Row 0 lies in the past and is not executed; it moves by 1 in normalised space and by 100 in the robot's units.
    const newer = { normalizedChunk: older.normalizedChunk.slice(), chunk: older.chunk.slice() };
    newer.normalizedChunk[0] = (newer.normalizedChunk[0] as number) + 1;
    newer.chunk[0] = (newer.chunk[0] as number) + 100;
    const stalls = async (stall: NonNullable<StepStrategyOptions['stall']>): Promise<boolean | undefined> => {
      policy.useStrategy({ name: 'STEP', stall });
      return (await policy.decide(window(policy), { previous: [newer, older] })).stalled;
    };
    expect(await stalls({ rows: 'executed' })).toBe(true);
    expect(await stalls({ rows: 'all' })).toBe(false);
    expect(await stalls({ rows: 'all', norm: 'linf', eps: 1.001 })).toBe(true);
    expect(await stalls({ rows: 'all', norm: 'linf', eps: 1.001, space: 'raw' })).toBe(false);
    expect(await stalls({ rows: 'all', norm: 'l2', eps: 0.999 })).toBe(false);
    expect(await stalls({ rows: 'all', norm: 'rms', eps: 0.999 })).toBe(true);
    await policy.dispose();
  });
});
