import { describe, expect, it } from 'vitest';
import { loadMethodCheckpoint } from '../../src/checkpoints/methods/read-method.js';
import { OptionError } from '../../src/foundation/errors.js';
import { type MethodConfig, methodsByType } from '../../src/spec/method-networks.js';
import { createStrategy } from '../../src/strategies/index.js';
import { parseStrategy } from '../../src/strategies/parse.js';
import type { DecisionStart, PastChunk, Strategy } from '../../src/strategies/strategy.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';
import { applyToSample } from '../support/apply-solver-step.js';
import { golden } from '../support/folders.js';
import { STRATEGY_CONTEXT } from '../support/strategy-context.js';
import { at } from '../support/toy.js';

async function configOf(name: string): Promise<MethodConfig> {
  const { config, close } = await loadMethodCheckpoint(golden(`methods/${name}/network`));
  await close();
  return config;
}

const made = (config: MethodConfig, options: StrategyOptions): Strategy =>
  createStrategy(options, { ...STRATEGY_CONTEXT, methods: methodsByType([config]) });

const CHUNK: PastChunk = { normalizedChunk: new Float32Array(32), chunk: new Float32Array(32) };

/** The request of a decision, the first of an episode or a later one. */
function requestOf(strategy: Strategy, newest: PastChunk | undefined): DecisionStart {
  const context = {
    newest,
    before: undefined,
    frames: new Float32Array(),
    uniform: () => new Float64Array(),
    normal: () => new Float32Array(),
  };
  return (strategy.begin().decide(context).next().value as readonly DecisionStart[])[0] as DecisionStart;
}

describe('warm starts of methods with networks of their own', () => {
  it('OneDP begins an episode as without, and goes on from a prediction at the level of its timestep', async () => {
    const config = await configOf('onedp-s');
    const [plain, warm] = [made(config, { name: 'OneDP' }), made(config, { name: 'OneDP', warm: true })];
    expect(requestOf(warm, undefined)).toEqual(requestOf(plain, undefined));
    expect(requestOf(plain, CHUNK)).toEqual(requestOf(plain, undefined));
    const later = requestOf(warm, CHUNK);
    expect(later).toMatchObject({ denoiser: 'onedp', warm: true });
    expect([later.predictionScale, later.noiseScale]).toEqual([expect.closeTo(0.5054277394, 6), expect.closeTo(0.8628689357, 6)]);
    // A generator that sees the noise gives the prediction back: the start has the level that the step takes it for.
    const [prediction, noise] = [
      [0.3, -0.8],
      [1.1, -0.4],
    ];
    const x = prediction.map((value, i) => later.predictionScale * value + later.noiseScale * at(noise, i));
    const { x0 } = applyToSample(at(later.schedule.steps, 0), { x, output: noise, noise: undefined, previousX0: undefined });
    expect(Array.from(x0)).toEqual(prediction.map((value) => expect.closeTo(value, 6)));
    expect(warm.needs.map(({ network }) => network)).toEqual(['onedp', 'predictor']);
  });

  it('of a deterministic generator, which was trained from zeros, are refused', async () => {
    const [stochastic, deterministic] = [await configOf('onedp-s'), await configOf('onedp-d')];
    const why = /OneDP: warm .* deterministic generator was trained from zeros.*: leave warm out/;
    for (const [config, options] of [
      [deterministic, {}],
      [stochastic, { variant: 'deterministic' }],
    ] as const) {
      const make = (warm: boolean) => () => made(config, { name: 'OneDP', warm, ...options });
      expect(make(true)).toThrow(OptionError);
      expect(make(true)).toThrow(why);
      expect(make(false)().needs).toHaveLength(1);
    }
    expect(made(deterministic, { name: 'OneDP', warm: true, variant: 'stochastic' }).needs).toHaveLength(2);
  });

  it.each([
    [1, [0.885024226]],
    [2, [12.0147832885, 0.885024226]],
  ])('Consistency Policy with %i evaluations goes on from the last chaining bins', async (steps, levels) => {
    const config = await configOf('cp-3step');
    const strategy = made(config, { name: 'Consistency', steps, warm: true });
    expect(requestOf(strategy, undefined)).toEqual(requestOf(made(config, { name: 'Consistency', steps }), undefined));
    const later = requestOf(strategy, CHUNK);
    expect(later.schedule.steps.map(({ timestep }) => timestep)).toEqual(levels.map((level) => expect.closeTo(level, 5)));
    // Of what the network reads, c_in (Â + T ε).
    expect(later.noiseScale / later.predictionScale).toBeCloseTo(at(levels, 0), 5);
    expect(later.predictionScale).toBeCloseTo(1 / Math.hypot(at(levels, 0), 0.5), 6);
    expect(strategy.usual).toBe(later.schedule);
    expect(strategy.schedules).toContain(later.schedule);
  });

  it.each([
    [[], 1, 'steps must be at most 0 with warm, as many as the network has of them, found 1: leave warm out'],
    [[54], 2, 'steps must be at most 1 with warm, as many as the network has of them, found 2: ask for fewer, or leave warm out'],
    [[27, 54], 3, 'steps must be at most 2 with warm, as many as the network has of them, found 3: ask for fewer, or leave warm out'],
  ])('of a student with chaining bins %j are refused for %i evaluations', async (chainingBins, steps, why) => {
    const config = { ...(await configOf('cp-3step')), chainingBins } as MethodConfig;
    expect(() => made(config, { name: 'Consistency', steps, warm: true })).toThrow(OptionError);
    expect(() => made(config, { name: 'Consistency', steps, warm: true })).toThrow(why);
    expect(made(config, { name: 'Consistency', steps }).needs).toHaveLength(1);
  });

  it('are spelled as one word', () => {
    expect(parseStrategy('onedp/warm')).toEqual({ name: 'onedp/warm', options: { name: 'OneDP', warm: true } });
    expect(parseStrategy('consistency:2/warm=off').options).toEqual({ name: 'Consistency', steps: 2, warm: false });
  });
});
