import { describe, expect, it } from 'vitest';
import { loadMethodCheckpoint } from '../../src/checkpoints/methods/read-method.js';
import { levelOfBin } from '../../src/diffusion/consistency.js';
import { OptionError } from '../../src/foundation/errors.js';
import { methodsByType } from '../../src/spec/method-networks.js';
import { createStrategy } from '../../src/strategies/index.js';
import { parseStrategy } from '../../src/strategies/parse.js';
import type { DenoiseRequest, Strategy } from '../../src/strategies/strategy.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';
import { applyToSample } from '../support/apply-solver-step.js';
import { golden } from '../support/folders.js';
import { floats, readTensors, type Tensors } from '../support/recorded-case.js';
import { STRATEGY_CONTEXT } from '../support/strategy-context.js';

async function made(name: string, options: StrategyOptions): Promise<{ readonly strategy: Strategy; readonly tensors: Tensors }> {
  const { config } = await loadMethodCheckpoint(golden(`methods/${name}/network`));
  const strategy = createStrategy(options, { ...STRATEGY_CONTEXT, methods: methodsByType([config]) });
  return { strategy, tensors: readTensors(`methods/${name}`) };
}

/** The one request of a decision. */
function requestOf(strategy: Strategy): DenoiseRequest {
  const context = {
    newest: undefined,
    before: undefined,
    frames: new Float32Array(),
    uniform: () => new Float64Array(),
    normal: () => new Float32Array(),
  };
  const { value } = strategy.begin().decide(context).next();
  return (value as readonly DenoiseRequest[])[0] as DenoiseRequest;
}

const doubles = (tensors: Tensors, name: string): Float64Array => Float64Array.from(floats(tensors, name));

function largest(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  return Math.max(...Array.from(found, (value, i) => Math.abs(value - (expected[i] as number))));
}

describe('Consistency Policy: coefficients against the released code', () => {
  it.each([
    ['cp-1step', {}],
    ['cp-3step', { steps: 3 }],
    ['cp-3step-raw', { steps: 3, chaining: 'raw' }],
  ] as const)('%s', async (name, options) => {
    const { strategy, tensors } = await made(name, { name: 'Consistency', ...options });
    const request = requestOf(strategy);
    const { steps } = request.schedule;
    expect(request).toMatchObject({ denoiser: 'consistency_policy', predictionScale: 0 });
    // In every bit: the release's levels are rounded on their way, and these are what the student was trained at.
    expect(Float32Array.from(steps, ({ timestep }) => timestep)).toEqual(floats(tensors, 'expected.levels'));
    expect(Float32Array.from(steps, ({ levels }) => levels?.[0] ?? NaN)).toEqual(floats(tensors, 'expected.time_input'));
    expect(Float32Array.from(steps, ({ levels }) => levels?.[1] ?? NaN)).toEqual(floats(tensors, 'expected.stop_input'));
    // The start is N(0, 1) times c_in: a start of ×80 would be 79 times as large.
    let x: ArrayLike<number> = doubles(tensors, 'input.noise').map((value) => request.noiseScale * value);
    steps.forEach((step, i) => {
      expect(largest(x, floats(tensors, `expected.network_input.${i}`)), `network input ${i}`).toBeLessThan(3e-6);
      const noise = i + 1 < steps.length ? doubles(tensors, `input.step_noise.${i + 1}`) : undefined;
      const recorded = doubles(tensors, `expected.network_input.${i}`);
      const next = applyToSample(step, {
        x: recorded,
        output: doubles(tensors, `expected.model_output.${i}`),
        noise,
        previousX0: undefined,
      });
      // Scalings without the offset of 0.02 move it by 0.03.
      expect(largest(next.x0, floats(tensors, `expected.sample.${i}`)), `G ${i}`).toBeLessThan(3e-6);
      x = next.x;
    });
    expect(largest(x, floats(tensors, 'expected.chunk'))).toBeLessThan(3e-6);
    expect(strategy.usual.noisySteps).toBe(steps.length - 1);
  });

  it('has the levels of methods.md, rounded as the release rounds them', () => {
    const levels = { sigmaMin: 0.02, sigmaMax: 80, sigmaData: 0.5, rho: 7, bins: 80 };
    expect(levelOfBin(levels, 27) / 12.01478328852).toBeCloseTo(1, 6);
    expect(levelOfBin(levels, 54) / 0.885024226011).toBeCloseTo(1, 6);
    expect(levelOfBin(levels, 79)).toBeCloseTo(0.02, 7);
    expect(levelOfBin(levels, 79)).toBeGreaterThanOrEqual(0.02);
  });
});

describe('one evaluation', () => {
  it.each(['onedp-s', 'onedp-d'])('%s: the chunk follows from noise and output', async (name) => {
    const { strategy, tensors } = await made(name, { name: 'OneDP' });
    const { noiseScale, schedule } = requestOf(strategy);
    const [step] = schedule.steps;
    expect(schedule.steps).toHaveLength(1);
    expect(step?.levels).toEqual([65]);
    expect(noiseScale).toBe(name === 'onedp-s' ? 1 : 0);
    const output = doubles(tensors, 'expected.model_output');
    const x = noiseScale === 0 ? new Float64Array(output.length) : doubles(tensors, 'input.noise');
    const { x0 } = applyToSample(step as NonNullable<typeof step>, { x, output, noise: undefined, previousX0: undefined });
    expect(largest(x0, floats(tensors, 'expected.chunk'))).toBeLessThan(3e-6);
    const unclamped = requestOf((await made(name, { name: 'OneDP', clip: null })).strategy).schedule.steps[0] as NonNullable<typeof step>;
    const free = applyToSample(unclamped, { x, output, noise: undefined, previousX0: undefined });
    expect(largest(free.x0, floats(tensors, 'expected.unclamped'))).toBeLessThan(5e-6);
  });

  it('NO-Diffusion starts from what its heads draw, and the output is the chunk', async () => {
    const { strategy, tensors } = await made('no-diffusion', { name: 'NO-Diffusion' });
    const { predictionScale, noiseScale, schedule } = requestOf(strategy);
    expect([predictionScale, noiseScale, strategy.predicts]).toEqual([1, 0, true]);
    const [step] = schedule.steps as [(typeof schedule.steps)[number]];
    expect(step.levels).toEqual([50]);
    const output = doubles(tensors, 'expected.unclamped');
    const { x0 } = applyToSample(step, { x: doubles(tensors, 'expected.start'), output, noise: undefined, previousX0: undefined });
    expect([...x0].map(Math.fround)).toEqual([...floats(tensors, 'expected.chunk')]);
  });
});

describe('a strategy whose network is missing, or does not suit it', () => {
  it.each([
    ['Consistency', 'consistency_policy'],
    ['OneDP', 'onedp'],
    ['NO-Diffusion', 'no_diffusion'],
  ] as const)('%s names the type that it needs, and how it is given', (name, type) => {
    const create = (): Strategy => createStrategy({ name }, STRATEGY_CONTEXT);
    expect(create).toThrow(OptionError);
    expect(create).toThrow(new RegExp(`strategy ${name} needs a network of type "${type}".*networks: \\{ methods \\}.*--network`));
  });

  it('refuses more evaluations than the network has bins, and raw levels beyond its range', async () => {
    await expect(made('cp-3step', { name: 'Consistency', steps: 4 })).rejects.toThrow('steps must be an integer from 1 to 3, found 4');
    const { config } = await loadMethodCheckpoint(golden('methods/cp-3step/network'));
    const short = { ...STRATEGY_CONTEXT, methods: methodsByType([{ ...config, sigmaMax: 50 } as typeof config]) };
    expect(() => createStrategy({ name: 'Consistency', steps: 3, chaining: 'raw' }, short)).toThrow(
      /above sigma_min 0.02 and up to sigma_max 50, found 54/,
    );
    expect(createStrategy({ name: 'Consistency', steps: 2, chaining: 'raw' }, short).usual.steps.map(({ timestep }) => timestep)).toEqual([
      50, 27,
    ]);
  });

  it('is spelled as others are', () => {
    expect(parseStrategy('consistency:3/chaining=raw')).toEqual({
      name: 'consistency:3/chaining=raw',
      options: { name: 'Consistency', steps: 3, chaining: 'raw' },
    });
    expect(parseStrategy('onedp/variant=deterministic/clip=none').options).toEqual({ name: 'OneDP', variant: 'deterministic', clip: null });
    expect(parseStrategy('no-diffusion')).toEqual({ name: 'no-diffusion', options: { name: 'NO-Diffusion' } });
    expect(() => parseStrategy('onedp:2')).toThrow('onedp takes no number of evaluations');
  });
});
