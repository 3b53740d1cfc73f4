import { describe, expect, it } from 'vitest';
import {
  type BridgeOptions,
  boundedTime,
  bridgeSchedule,
  bridgeSteps,
  gammaAt,
  gammaSlopeAt,
  interpolantWeights,
} from '../../src/diffusion/interpolant.js';
import { OptionError } from '../../src/foundation/errors.js';
import { INTERPOLANTS } from '../../src/spec/method-networks.js';
import { applyToSample } from '../support/apply-solver-step.js';

const OFFICIAL: BridgeOptions = { steps: 5, form: 'vs', noiseScale: 0.03, timeMin: 0.001, gammaInverseMax: 200 };

/** As the release has it. */
// biome-ignore lint/suspicious/noApproximativeNumericConstant: five digits are what it has.
const ROOT_TWO = 1.4142;

/** Where x = 0 goes with constant networks and without noise. */
function arrival(steps: number, first = 0.3, score = 0.1, form: BridgeOptions['form'] = 'vs'): number {
  return bridgeSteps({ ...OFFICIAL, steps, form }).reduce((x, { fromFirst, fromScore }) => x + fromFirst * first + fromScore * score, 0);
}

describe("BRIDGER's sampler", () => {
  it('arrives where the release does, with constant v = 0.3 and s = 0.1', () => {
    // Golden values of float64 code, good to 1e-9.
    expect(Math.abs(arrival(2) - 0.3374537876)).toBeLessThan(1e-9);
    expect(Math.abs(arrival(5) - 0.3511721859)).toBeLessThan(1e-9);
  });

  it('is none of its misreadings: at the start of intervals, without the extra e(t), with e(t) in the drift of bs', () => {
    // Each step from the formulas of the release, one of them changed.
    const misread = (change: { start?: boolean; plain?: boolean }): number => {
      let x = 0;
      for (let k = 1; k <= 5; k++) {
        const t = boundedTime((change.start ? k - 1 : k) / 5, 0.001);
        const s = 0.1 * Math.min(1 / (ROOT_TWO * Math.sqrt(t * (1 - t) + 1e-4)), 200);
        const drift = 0.3 - gammaSlopeAt(t) * gammaAt(t) * s * (change.plain ? 1 : 1 - t);
        x += (drift + (1 - t) * s) / 5;
      }
      return x;
    };
    expect(misread({})).toBeCloseTo(arrival(5), 12);
    expect(Math.abs(misread({ start: true }) - arrival(5))).toBeGreaterThan(1e-2);
    expect(Math.abs(misread({ plain: true }) - arrival(5))).toBeGreaterThan(1e-2);
    expect(Math.abs(arrival(5, 0.3, 0.1, 'bs') - arrival(5))).toBeGreaterThan(1e-3);
  });

  it('bs asks the drift itself: of the score only e(t) ŝ is left', () => {
    const steps = bridgeSteps({ ...OFFICIAL, form: 'bs', steps: 4 });
    steps.forEach(({ fromScore, fromFirst }, k) => {
      const t = boundedTime((k + 1) / 4, 0.001);
      const inverse = Math.min(1 / (ROOT_TWO * Math.sqrt(t * (1 - t) + 1e-4)), 200);
      expect(fromScore).toBeCloseTo((inverse * (1 - t)) / 4, 14);
      expect(fromFirst).toBe(0.25);
    });
  });

  it('divides the noise by n, not by √n, and bounds the inverse of γ', () => {
    const [first] = bridgeSteps(OFFICIAL) as [ReturnType<typeof bridgeSteps>[0]];
    expect(first.fromNoise).toBeCloseTo((0.03 / 5) * Math.sqrt(2 * 0.8), 14);
    const bounded = bridgeSteps({ ...OFFICIAL, gammaInverseMax: 2 }).at(-1)!;
    const free = bridgeSteps({ ...OFFICIAL, gammaInverseMax: 1e9 }).at(-1)!;
    // At t = 0.999 the inverse is 21: the release's bound of 200 never bites there.
    expect(bridgeSteps(OFFICIAL).at(-1)).toEqual(free);
    expect(free.fromScore / bounded.fromScore).toBeCloseTo(1 / (ROOT_TWO * Math.sqrt(0.999 * 0.001 + 1e-4)) / 2, 10);
  });

  it('times are the ends of intervals, the last one short of 1, as f32', () => {
    expect(bridgeSteps(OFFICIAL).map(({ time }) => time)).toEqual([0.2, 0.4, 0.6, 0.8, 0.999].map(Math.fround));
  });

  it.each(['vs', 'bs'] as const)('as a schedule it is two evaluations a step, and the same numbers: %s', (form) => {
    const options = { ...OFFICIAL, form, steps: 3 };
    const { steps, noisySteps } = bridgeSchedule(options);
    expect(noisySteps).toBe(3);
    expect(steps.map(({ network }) => network)).toEqual(
      Array.from({ length: 3 }, () => [form === 'vs' ? 'v_net' : 'b_net', 's_net']).flat(),
    );
    expect(steps.map(({ levels }) => levels?.[0])).toEqual(bridgeSteps(options).flatMap(({ time }) => [time, time]));
    const outputs = steps.map((_, i) => [Math.sin(i), Math.cos(3 * i)]);
    let [x, previousX0]: (number[] | Float64Array)[] = [
      [0.3, -0.7],
      [0, 0],
    ];
    let expected = [0.3, -0.7];
    for (const [i, step] of steps.entries()) {
      const result = applyToSample(step, {
        x: x as number[],
        output: outputs[i] as number[],
        noise: [1, -2],
        previousX0: previousX0 as number[],
      });
      [x, previousX0] = [result.x, result.x0];
    }
    bridgeSteps(options).forEach(({ fromFirst, fromScore, fromNoise }, k) => {
      const [first, score] = [outputs[2 * k] as number[], outputs[2 * k + 1] as number[]];
      expected = expected.map((value, c) => value + fromFirst * first[c]! + fromScore * score[c]! + fromNoise * [1, -2][c]!);
    });
    expected.forEach((value, c) => expect(x?.[c]).toBeCloseTo(value, 14));
  });

  it.each<[string, Partial<Record<keyof BridgeOptions, unknown>>, RegExp]>([
    ['no step', { steps: 0 }, /steps must be an integer from 1 to 64, found 0/],
    ['half a step', { steps: 2.5 }, /steps must be an integer/],
    ['another form', { form: 'sv' }, /form must be one of vs, bs, found "?sv/],
    ['negative noise', { noiseScale: -1 }, /noiseScale must be a finite number of at least 0/],
    ['times that cross', { timeMin: 0.5 }, /timeMin must be a number from 0 to below 0.5/],
    ['no bound', { gammaInverseMax: Infinity }, /gammaInverseMax must be a finite number above 0/],
  ])('refuses %s', (_, change, message) => {
    const options = { ...OFFICIAL, ...change } as BridgeOptions;
    expect(() => bridgeSteps(options)).toThrow(OptionError);
    expect(() => bridgeSteps(options)).toThrow(message);
  });
});

describe('stochastic interpolants', () => {
  it.each(INTERPOLANTS)('%s begins at the prior, ends at the demonstration, and its slope is its derivative', (interpolant) => {
    expect(interpolantWeights(interpolant, 0)).toMatchObject({ fromPrior: 1, fromTarget: 0 });
    expect(interpolantWeights(interpolant, 1)).toMatchObject({ fromPrior: 0, fromTarget: 1 });
    for (const t of [0.1, 0.37, 0.8]) {
      const h = 1e-6;
      const [before, here, after] = [t - h, t, t + h].map((at) => interpolantWeights(interpolant, at));
      expect(here!.fromPrior + here!.fromTarget).toBeCloseTo(1, 14);
      expect((after!.fromTarget - before!.fromTarget) / (2 * h)).toBeCloseTo(here!.slope, 8);
    }
  });

  it('the slope of γ is its derivative, but for what keeps it finite', () => {
    for (const t of [0.2, 0.5, 0.7]) {
      const h = 1e-6;
      expect(gammaSlopeAt(t)).toBeCloseTo((gammaAt(t + h) - gammaAt(t - h)) / (2 * h), 3);
    }
    expect(gammaSlopeAt(0.001)).toBeLessThan(100);
  });

  it('an unknown one is refused', () => {
    expect(() => interpolantWeights('cubic' as 'linear', 0.5)).toThrow('interpolant must be one of linear, power3');
  });
});
