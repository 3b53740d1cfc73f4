import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import type { BridgerNetwork } from '../../src/spec/method-networks.js';
import { createStrategy } from '../../src/strategies/index.js';
import { parseStrategy } from '../../src/strategies/parse.js';
import { missingNetwork, type NetworkNeed, type StrategyContext, suitsPredictor } from '../../src/strategies/strategy.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';

const UNET = {
  actionDim: 2,
  horizon: 8,
  downDims: [8],
  kernelSize: 3,
  groups: 8,
  stepEmbedDim: 8,
  conditioningDim: 4,
  scaleModulation: true,
} as const;

const NETWORK: BridgerNetwork = {
  type: 'bridger',
  unet: UNET,
  observationSteps: 2,
  actionSteps: 4,
  noiseScale: 0.03,
  timeMin: 0.001,
  gammaInverseMax: 200,
  interpolant: 'power3',
  sde: 'vs',
  prior: 'normal',
};

const CONTEXT: StrategyContext = {
  scheduler: {
    type: 'DDIM',
    numTrainTimesteps: 100,
    betaSchedule: 'squaredcos_cap_v2',
    betaStart: 1e-4,
    betaEnd: 0.02,
    predictionType: 'epsilon',
    clipSample: true,
    clipSampleRange: 1,
    numInferenceSteps: 10,
  },
  horizon: UNET.horizon,
  actionDim: UNET.actionDim,
  observationSteps: 2,
  actionSteps: 4,
  methods: { bridger: NETWORK },
};

describe('BRIDGER', () => {
  it('is spelled on a command line, and takes what its network says where nothing else is asked for', () => {
    const { name, options } = parseStrategy('bridger:3/sde=bs/prior=cvae');
    expect(name).toBe('bridger:3/sde=bs/prior=cvae');
    const asked = createStrategy(options, CONTEXT);
    expect(asked.description).toBe('BRIDGER 3 (bs, prior cvae)');
    expect(asked.usual.steps.map(({ network }) => network)).toEqual(['b_net', 's_net', 'b_net', 's_net', 'b_net', 's_net']);
    expect(asked.needs.map(({ network }) => network)).toEqual(['bridger', 'predictor']);
    const prior = asked.needs[1] as NetworkNeed;
    expect((['none', 'shift', 'network', 'cvae'] as const).filter((kind) => suitsPredictor(prior, kind))).toEqual(['cvae']);
    expect(missingNetwork('BRIDGER', prior, 'network').message).toMatch(
      /needs a predictor that is a CVAE as its prior, found a STEP predictor/,
    );

    const usual = createStrategy({ name: 'BRIDGER' }, CONTEXT);
    expect(usual.description).toBe('BRIDGER 5 (vs, prior normal)');
    expect(usual.usual).toMatchObject({ noisySteps: 5 });
    expect(usual.needs.map(({ network }) => network)).toEqual(['bridger']);
  });

  it.each([
    ['normal', { predictionScale: 0, noiseScale: 1, warm: false }],
    ['cvae', { predictionScale: 1, noiseScale: 0, warm: true }],
  ] as const)('starts from the prior %s, by its own networks', (prior, start) => {
    const decision = createStrategy({ name: 'BRIDGER', prior }, CONTEXT)
      .begin()
      .decide({
        newest: undefined,
        before: undefined,
        uniform: () => new Float64Array(),
        normal: () => new Float32Array(),
        frames: new Float32Array(),
      });
    expect(decision.next().value).toMatchObject([{ ...start, denoiser: 'bridger' }]);
  });

  it('says what is missing, and what cannot be', () => {
    const create =
      (options: object, context = CONTEXT) =>
      () =>
        createStrategy({ name: 'BRIDGER', ...options } as StrategyOptions, context);
    expect(create({}, { ...CONTEXT, methods: {} })).toThrow(/needs a network of type "bridger".*the folder of its three U-Nets/);
    expect(create({ steps: 0 })).toThrow(OptionError);
    expect(create({ steps: 65 })).toThrow('steps must be an integer from 1 to 64, found 65');
    expect(create({ sde: 'sv' })).toThrow(/sde must be one of vs, bs/);
    expect(create({ prior: 'heuristic' })).toThrow(/prior must be one of normal, cvae/);
  });
});
