import { describe, expect, it } from 'vitest';
import { ABLATIONS, parseGrid } from '../../src/evaluation/grid.js';
import { OptionError } from '../../src/foundation/errors.js';
import { createStrategy } from '../../src/strategies/index.js';
import { parseStrategies, parseStrategy } from '../../src/strategies/parse.js';
import { STRATEGY_CONTEXT as context } from '../support/strategy-context.js';

describe('a strategy on a command line', () => {
  it.each<[string, object]>([
    ['ddpm:100', { name: 'DDPM', steps: 100 }],
    ['ddim', { name: 'DDIM' }],
    [
      'ddim:4/clip=none/timestepSpacing=trailing/eta=0.5/setAlphaToOne=off',
      { name: 'DDIM', steps: 4, eta: 0.5, clip: null, timestepSpacing: 'trailing', setAlphaToOne: false },
    ],
    ['dpm-solver++:4/finalSigma=sigma-min', { name: 'DPM-Solver++', steps: 4, finalSigma: 'sigma-min' }],
    [
      'ddim:4/clip=threshold-0.995-1.5/stepsOffset=1/useClippedModelOutput',
      { name: 'DDIM', steps: 4, clip: { quantile: 0.995, most: 1.5 }, stepsOffset: 1, useClippedModelOutput: true },
    ],
    ['ddpm:10/varianceType=fixed_large', { name: 'DDPM', steps: 10, varianceType: 'fixed_large' }],
    [
      'dpm-solver++:8/solverOrder=3/lowerOrderFinal=off/useKarrasSigmas',
      { name: 'DPM-Solver++', steps: 8, solverOrder: 3, lowerOrderFinal: false, useKarrasSigmas: true },
    ],
    ['step:2', { name: 'STEP', budget: 2 }],
    ['step:2/start=eq13', { name: 'STEP', budget: 2, warmStart: { mode: 'eq13' } }],
    ['step:4/start=eq13/sigma=1/sigmaT=0.1', { name: 'STEP', budget: 4, warmStart: { mode: 'eq13', sigma: 1, sigmaT: 0.1 } }],
    ['step:2/stall', { name: 'STEP', budget: 2, stall: {} }],
    ['step:2/stall=off', { name: 'STEP', budget: 2 }],
    ['step:2/sigmaScale=0.4/sigmaStall=1.2', { name: 'STEP', budget: 2, stall: { sigmaScale: 0.4, sigmaStall: 1.2 } }],
    ['step:2/cold=ddpm-100', { name: 'STEP', budget: 2, coldStart: { mode: 'noise', solver: 'DDPM', steps: 100 } }],
    ['step:2/cold=zero-history', { name: 'STEP', budget: 2, coldStart: { mode: 'zero-history' } }],
    ['step:2/predictor=shift/history=tail', { name: 'STEP', budget: 2, predictor: 'shift', history: 'tail' }],
    ['rti-dp', { name: 'RTI-DP' }],
    ['rti-dp/timesteps=lift-clip', { name: 'RTI-DP', timesteps: 'lift-clip' }],
    ['rti-dp/timesteps=5-2-0', { name: 'RTI-DP', timesteps: [5, 2, 0] }],
    ['rti-dp/timesteps=can-clip/gripper=1/factor=10', { name: 'RTI-DP', timesteps: 'can-clip', gripper: { dimensions: [1], factor: 10 } }],
    ['rti-dp/gripper=0-1/remember=unchanged', { name: 'RTI-DP', gripper: { dimensions: [0, 1], remember: 'unchanged' } }],
    ['falcon:10/solver=DDIM/threshold=0.2/shiftOnReuse', { name: 'Falcon', steps: 10, solver: 'DDIM', threshold: 0.2, shiftOnReuse: true }],
  ])('%s', (text, options) => {
    expect(parseStrategy(text)).toEqual({ name: text, options });
    expect(() => createStrategy(parseStrategy(text).options, context)).not.toThrow();
  });

  it.each<[string, RegExp]>([
    ['setp:2', /begins with "setp": known are ddpm, ddim/],
    ['ddim:2/clip=threshold', /clip must be a number, found "threshold"/],
    ['ddim:2/clip=threshold-0.9', /clip must be a number, found "threshold-0.9"/],
    ['ddim:2/clip=threshold-x-1', /clip must be a number, found "x"/],
    ['ddim:two', /steps must be a number, found "two"/],
    ['ddim:', /steps must be a number, found ""/],
    ['step:2:9', /budget must be a number, found "2:9"/],
    ['rti-dp/gripper=', /gripper must be a number, found ""/],
    ['rti-dp/factor=10', /factor and remember belong to dimensions of a gripper: add gripper=9/],
    ['rti-dp:3', /rti-dp takes no number of evaluations/],
    ['step:2/sigmaScal=0.4', /unknown option "sigmaScal". step has: budget, start/],
    ['step:2/stall=maybe', /stall must be on or off, found "maybe"/],
    ['step:2/sigma=1', /the start forward-noise has no sigma: leave it out, or take start=eq13, start=train-index, start=snr-matched$/],
    ['step:2/start=mean-matched/sigma=1', /the start mean-matched has no sigma: leave it out, or take start=eq13/],
    ['step:2/start=forward-noise/sigmaT=1', /has no sigmaT: .* start=eq13, start=train-index, start=snr-matched, start=mean-matched$/],
    ['step:2/cold=ddim', /cold must be zero-history, or a solver and its steps/],
    ['ddim:2/eta=0/eta=1', /eta is there twice/],
    ['ddim:2/steps=3', /steps is there twice/],
    ['constructor', /begins with "constructor": known are ddpm, ddim/],
    ['step:2/toString=1', /unknown option "toString"/],
    ['ddim:2/eta= ', /eta must be a number, found " "/],
  ])('refuses %s', (text, message) => {
    expect(() => parseStrategy(text)).toThrow(OptionError);
    expect(() => parseStrategy(text)).toThrow(message);
  });

  it.each([
    ['rti-dp/gripper=1/factor=10/remember=unchanged', /factor divides what is remembered as decided/],
    ['rti-dp/gripper=1-1', /dimensions must ascend, each once, found 1 behind 1/],
    ['rti-dp/gripper=1-0', /dimensions must ascend, each once, found 0 behind 1/],
  ])('%s, which another spelling says as well, makes no strategy', (text, message) => {
    const create = (): unknown => createStrategy(parseStrategy(text).options, context);
    expect(create).toThrow(OptionError);
    expect(create).toThrow(message);
  });

  it('reads several between commas, each once', () => {
    expect(parseStrategies('step:2, ddim:10').map(({ name }) => name)).toEqual(['step:2', 'ddim:10']);
    expect(() => parseStrategies('step:2,step:2')).toThrow(/"step:2" is there twice/);
  });

  it.each([
    ['step/budget=2', 'step:2'],
    ['ddim:4/eta=0.50/clip=none', 'ddim:4/clip=none/eta=0.5'],
    ['step:2/stall=on', 'step:2/stall'],
    ['rti-dp/timesteps=05-2-0', 'rti-dp/timesteps=5-2-0'],
    ['rti-dp/factor=10/gripper=01', 'rti-dp/gripper=1/factor=10'],
  ])('%s is %s, and not another one', (text, name) => {
    expect(parseStrategy(text).name).toBe(name);
    expect(parseStrategy(name)).toEqual(parseStrategy(text));
    expect(() => parseStrategies(`${text},${name}`)).toThrow(/is there twice/);
  });
});

describe('a grid', () => {
  it('is every combination of the values of one or two options, the second one fastest', () => {
    const grid = parseGrid('step:2/sigmaScale=0.2,0.4/sigmaStall=0.8,1.2');
    expect(grid.axes).toEqual([
      { option: 'sigmaScale', values: ['0.2', '0.4'] },
      { option: 'sigmaStall', values: ['0.8', '1.2'] },
    ]);
    expect(grid.cells).toEqual([
      'step:2/sigmaScale=0.2/sigmaStall=0.8',
      'step:2/sigmaScale=0.2/sigmaStall=1.2',
      'step:2/sigmaScale=0.4/sigmaStall=0.8',
      'step:2/sigmaScale=0.4/sigmaStall=1.2',
    ]);
    expect(grid.strategies.map(({ name }) => name)).toEqual(grid.cells);
  });

  it('keeps options with one value', () => {
    expect(parseGrid('step/stall/budget=1,2').cells).toEqual(['step:1/stall', 'step:2/stall']);
  });

  it.each(['step:2', 'step:2/start=eq13', 'step/budget=1,2/sigmaScale=1,2/sigmaStall=1,2'])('refuses %s', (text) => {
    expect(() => parseGrid(text)).toThrow(/must have one or two options with several values, found [03]/);
  });

  it('refuses what a strategy would refuse, and a value that is there twice', () => {
    expect(() => parseGrid('step:2/sigmaT=0.1=7/start=eq13,mean-matched')).toThrow(/sigmaT must be a number, found "0.1=7"/);
    expect(() => parseGrid('step:2/start=eq13,mean-matched,eq13')).toThrow(/has a value of start twice: leave one out/);
  });

  it.each(ABLATIONS)('%s is a grid of possible strategies', (text) => {
    for (const { options } of parseGrid(text).strategies) expect(() => createStrategy(options, context)).not.toThrow();
  });
});
