import { describe, expect, it } from 'vitest';
import { loadMethodCheckpoint } from '../../src/checkpoints/methods/read-method.js';
import { OptionError } from '../../src/foundation/errors.js';
import { SetupError } from '../../src/foundation/setup-error.js';
import { methodsByType } from '../../src/spec/method-networks.js';
import { createStrategy, STRATEGIES } from '../../src/strategies/index.js';
import { parseStrategy } from '../../src/strategies/parse.js';
import { inSpecWords } from '../../src/strategies/spec-words.js';
import { spellingOf } from '../../src/strategies/spelling.js';
import { golden } from '../support/folders.js';
import { STRATEGY_CONTEXT } from '../support/strategy-context.js';

const methods = await Promise.all(
  ['cp-3step', 'onedp-s', 'no-diffusion', 'sdp', 'rnr-dp', 'bridger-sde'].map(
    async (name) => (await loadMethodCheckpoint(golden(`methods/${name}/network`))).config,
  ),
);

const context = { ...STRATEGY_CONTEXT, methods: methodsByType(methods) };

/** Options that only go with others, and bad values that are none of "bad", −1 and 0.5. */
const BESIDE: Readonly<Record<string, string>> = {
  sigma: 'start=eq13/',
  sigmaT: 'start=eq13/',
  factor: 'gripper=1/',
  remember: 'gripper=1/',
};
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  clip: ['threshold-2-1', 'threshold-0.9--1'],
  cold: ['ddim-1000', 'ddim-0', 'euler-2'],
  gripper: ['2', '1-1'],
  timesteps: ['2-1', '2-3-0', '200-0'],
  start: ['eq31'],
};

const everything = STRATEGIES.flatMap((strategy) =>
  Object.keys(spellingOf(strategy).words).map((word) => [strategy.spelled, word] as const),
);

const make = (text: string): unknown => {
  const strategy = parseStrategy(text);
  return inSpecWords(strategy, () => createStrategy(strategy.options, context));
};

const refusalOf = (text: string): string | undefined => {
  try {
    make(text);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError);
    return (error as Error).message;
  }
};

describe('an option of a spec with a value that it cannot have', () => {
  it.each(everything)('%s: %s is told of as it was written', (spelled, word) => {
    const texts = ['bad', '-1', '0.5', ...(OTHERS[word] ?? [])].map((value) => `${spelled}/${BESIDE[word] ?? ''}${word}=${value}`);
    const told = texts.flatMap((text) => refusalOf(text) ?? []);
    expect(told).not.toEqual([]);
    for (const message of told) {
      const [, spec, rest] = /^strategy "([^"]*)": (.*)$/.exec(message) ?? [];
      expect(spec?.startsWith(spelled)).toBe(true);
      expect(rest).toMatch(new RegExp(`\\b${word}\\b`));
      expect(rest).not.toMatch(/warmStart|coldStart|stall: |\bmode\b|\bnull\b/);
    }
  });

  it.each([
    [
      'step:2/start=foo',
      'strategy "step:2/start=foo": start must be one of forward-noise, eq13, train-index, snr-matched, mean-matched, found foo.',
    ],
    ['step:2/start=eq13/sigma=-1', 'strategy "step:2/start=eq13/sigma=-1": sigma must be a finite number of at least 0, found -1.'],
    ['step:2/cold=ddim-1000', 'strategy "step:2/cold=ddim-1000": cold: steps must be an integer from 1 to 100, found 1000.'],
    ['step:2/eps=0', 'strategy "step:2/eps=0": eps must be a finite number above 0, found 0.'],
    ['ddim:1000', 'strategy "ddim:1000": steps must be an integer from 1 to 100, found 1000.'],
    ['ddim:2/clip=0', 'strategy "ddim:2/clip=0": clip must be none, a finite number above 0, or threshold-QUANTILE-MOST, found 0.'],
    ['sdp/clip=0', 'strategy "sdp/clip=0": clip must be none or a finite number above 0, found 0.'],
    ['rti-dp/gripper=1/factor=0', 'strategy "rti-dp/gripper=1/factor=0": factor must be a finite number of at least 1, found 0.'],
  ])('%s', (text, message) => expect(refusalOf(text)).toBe(message));

  it('is told in the library’s names where a program gives it', () => {
    const { options } = parseStrategy('step:2/start=foo');
    expect(() => createStrategy(options, context)).toThrow(/^strategy STEP: warmStart: mode must be one of/);
  });

  it('what a strategy needs besides, and errors of another class, stay as they are', () => {
    const strategy = parseStrategy('consistency:1');
    const needs = (): unknown => inSpecWords(strategy, () => createStrategy(strategy.options, { ...context, methods: {} }));
    expect(needs).toThrow(/^strategy Consistency needs a network of type/);
    const error = new SetupError('a file is missing');
    const fails = (): unknown =>
      inSpecWords(strategy, () => {
        throw error;
      });
    expect(fails).toThrow(error);
  });
});
