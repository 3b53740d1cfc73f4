import { describe, expect, it } from 'vitest';
import { createStrategy } from '../../src/strategies/index.js';
import type { StepStrategyOptions, StrategyOptions, WarmStartOptions } from '../../src/strategies/strategy-options.js';
import { at, EXACT, gaussianDenoiser, toy } from '../support/toy.js';
import { TOY_CONTEXT, ToyEpisode } from '../support/toy-episode.js';

/** Strategies use ā as PyTorch rounds it, the recorded values are of exact ones; at timestep 99 that is 1e-5. */
const TOLERANCE = 1e-5;

function expectNear(found: readonly number[], expected: readonly number[], tolerance = TOLERANCE): void {
  expected.forEach((value, i) => expect(Math.abs(at(found, i) - value), `${at(found, i)} for ${value}`).toBeLessThan(tolerance));
}

describe('a decision from noise on the toy distribution N(0.3, 0.2²), from 1, −0.5 and 2', () => {
  it.each<[StrategyOptions, number, number, number]>([
    [{ name: 'DDIM', steps: 1 }, 0.989428331788, -0.487718241473, 1],
    [{ name: 'DDIM', steps: 2 }, 0.366091466056, 0.241001937676, 0.449484484975],
    [{ name: 'DDIM', steps: 4 }, 0.395399369993, 0.234684191743, 0.502542822159],
    [{ name: 'DDIM', steps: 8 }, 0.435390670542, 0.217137513178, 0.580892775452],
    [{ name: 'DDIM' }, 0.445126800274, 0.217906915899, 0.596606723192],
    [{ name: 'DDIM', steps: 16 }, 0.462630439846, 0.208005727747, 0.632380247913],
    [{ name: 'DDIM', steps: 100 }, 0.493043972899, 0.203435197314, 0.686116489955],
    [{ name: 'DDPM', steps: 100 }, 0.300019709309, 0.299990140974, 0.300039421532],
    [{ name: 'DPM-Solver++', steps: 2 }, 0.336938023505, 0.281522795569, 0.373881508795],
    [{ name: 'DPM-Solver++', steps: 2, finalSigma: 'sigma-min' }, 0.361065160315, 0.269311794091, 0.42223407113],
    [{ name: 'DPM-Solver++', steps: 4 }, 0.380303587025, 0.259830395533, 0.460619048019],
    [{ name: 'DPM-Solver++', steps: 4, finalSigma: 'sigma-min' }, 0.402555573609, 0.248557385068, 0.505221032636],
    [{ name: 'DPM-Solver++', steps: 8 }, 0.432358914326, 0.233791186259, 0.564737399705],
  ])('%o', (options, ...expected) => {
    const { chunk, warm, rounds } = new ToyEpisode(createStrategy(options, TOY_CONTEXT)).decide({ noise: [1, -0.5, 2, 0] });
    expectNear(chunk, expected);
    expect([warm, rounds.length]).toEqual([false, 1]);
  });

  it('with options of the solver: no clamp, and an end at timestep 0', () => {
    const open = new ToyEpisode(createStrategy({ name: 'DDIM', steps: 1, clip: null }, TOY_CONTEXT));
    expectNear(open.decide({ noise: [2, 0, 0, 0] }).chunk, [1.974192713963]);
    const early = new ToyEpisode(createStrategy({ name: 'DDIM', steps: 2, setAlphaToOne: false }, TOY_CONTEXT));
    expectNear(early.decide({ noise: [1, 0, 0, 0] }).chunk, [0.367019281956]);
  });
});

describe('a warm decision of STEP from Â = 0.5 and ε = −0.7 on the toy distribution', () => {
  function warmDecision(options: Omit<StepStrategyOptions, 'name'>): number {
    const strategy = createStrategy({ name: 'STEP', ...options }, TOY_CONTEXT);
    const episode = new ToyEpisode(strategy, { prediction: 0.5 });
    // Two equal chunks: a standstill for the stall rule, and of no importance to the others.
    episode.push([0, 0, 0, 0]);
    episode.push([0, 0, 0, 0]);
    const { chunk, warm, stalled } = episode.decide({ noise: [-0.7, -0.7, -0.7, -0.7] });
    expect([warm, stalled]).toEqual([true, options.stall !== undefined]);
    return at(chunk, 0);
  }
  const eq13 = (sigmaT: number): WarmStartOptions => ({ mode: 'eq13', sigma: 1, sigmaT });

  it.each([
    [1, 0.479570937563, 0.428112633949, 0.497046140701, -0.625585254978],
    [2, 0.269369293807, 0.318557445271, 0.324394956596, 0.229326915027],
    [4, 0.238014305012, 0.334327602258, 0.341827643909, 0.219684108439],
    [8, 0.207659794436, 0.352454470744, 0.362639618088, 0.196767218491],
  ])('budget %i: forward-noise, eq. 13 with and without noise, and a stall', (budget, ...expected) => {
    const starts: Omit<StepStrategyOptions, 'name'>[] = [
      { warmStart: 'forward-noise' },
      { warmStart: eq13(0.1) },
      { warmStart: eq13(0) },
      { stall: { sigmaScale: 0.4, sigmaStall: 1.2 } },
    ];
    expectNear(
      starts.map((options) => warmDecision({ budget, ...options })),
      expected,
      1e-6,
    );
  });

  it('train-index and snr-matched, σ = 1 and σ_T = 0.1 unless given', () => {
    const found = [
      warmDecision({ budget: 2, warmStart: { mode: 'train-index' } }),
      warmDecision({ budget: 4, warmStart: { mode: 'train-index' } }),
      warmDecision({ budget: 2, warmStart: { mode: 'snr-matched' } }),
    ];
    expectNear(found, [0.426200450176, 0.42101831165, 0.408125837801], 1e-6);
  });
});

describe('the refined action is A·Â + B·ε + C·μ for data N(μ, 0.3²)', () => {
  /** A, B and C of a STEP decision, of an exact denoiser without clamp. */
  function response(warmStart: WarmStartOptions, budget: number): [number, number, number] {
    const context = { ...TOY_CONTEXT, scheduler: { ...TOY_CONTEXT.scheduler, clipSample: false } };
    const strategy = createStrategy({ name: 'STEP', budget, warmStart, coldStart: { mode: 'zero-history' } }, context);
    const outcome = (prediction: number, noise: number, mean: number): number => {
      const episode = new ToyEpisode(strategy, { prediction, denoiser: gaussianDenoiser(mean, 0.3) });
      return at(episode.decide({ noise: [noise, 0, 0, 0] }).chunk, 0);
    };
    return [outcome(1, 0, 0), outcome(0, 1, 0), outcome(0, 0, 1)];
  }

  it.each<[WarmStartOptions, number, [number, number, number]]>([
    ['forward-noise', 2, [0.098, 0.102, 0.902]],
    [{ mode: 'eq13' }, 8, [0.24, 0.024, 0.944]],
    [{ mode: 'train-index' }, 4, [0.966, 0.097, 0.036]],
    [{ mode: 'snr-matched' }, 2, [0.916, 0.092, 0.084]],
  ])('%o, budget %i', (warmStart, budget, expected) => expectNear(response(warmStart, budget), expected, 6e-4));

  it('mean-matched is unbiased as forward-noise is, and passes on less noise', () => {
    for (const budget of [2, 4, 8]) {
      const [a, b, c] = response({ mode: 'mean-matched', sigmaT: 0.1 }, budget);
      const [forwardA, forwardB] = response('forward-noise', budget);
      expect(a + c).toBeCloseTo(1, 6);
      expect(a).toBeCloseTo(forwardA, 6);
      expect(b).toBeLessThan(forwardB / 5);
    }
  });

  it.each([
    [2, 0.04],
    [4, 0.12],
    [8, 0.18],
  ])('eq. 13 with budget %i is biased by %d', (budget, bias) => {
    const [a, , c] = response({ mode: 'eq13' }, budget);
    expect(Math.abs(a + c - 1 - bias)).toBeLessThan(6e-3);
  });
});

describe('the toy network', () => {
  it.each([
    [1, 50, 1.058403298989, 0.340534066042],
    [0.5, 50, 0.390666209734, 0.314961489596],
  ])('predicts the recorded noise and clean value for x = %d at timestep %i', (x, timestep, eps, x0) => {
    const alphaBar = at(EXACT, timestep);
    expect(toy(x, timestep)).toBeCloseTo(eps, 11);
    expect((x - Math.sqrt(1 - alphaBar) * toy(x, timestep)) / Math.sqrt(alphaBar)).toBeCloseTo(x0, 11);
  });
});
