import { describe, expect, it } from 'vitest';
import { OptionError, WarmstepError } from '../../src/foundation/errors.js';
import { SetupError } from '../../src/foundation/setup-error.js';
import { parseCommandLine, usageText } from '../../src/terminal/command-line.js';
import { choiceListOption, numberOption, positiveOption, UsageError } from '../../src/terminal/options.js';

const OPTIONS = { task: { type: 'string' }, episodes: { type: 'string' }, fast: { type: 'boolean' }, slow: { type: 'boolean' } } as const;

describe('options that need others', () => {
  const read = (...args: string[]) => parseCommandLine(args, OPTIONS, { episodes: ['task'], slow: ['fast', 'task'] });

  it('are refused without them, by name', () => {
    expect(() => read('--episodes', '3')).toThrow(new UsageError('--episodes needs --task: give it as well, or leave --episodes out'));
    expect(() => read('--slow')).toThrow('--slow needs --fast or --task');
  });

  it('are taken with one of them, wherever it stands', () => {
    expect(read('--episodes', '3', '--task', 'x').values).toEqual({ episodes: '3', task: 'x' });
    expect(read('--slow', '--fast', 'y').positionals).toEqual(['y']);
    expect(read().values).toEqual({});
  });
});

describe('an option', () => {
  it('is a number where one is asked for, in words of one kind', () => {
    expect(numberOption('x', '1e-4')).toBe(1e-4);
    expect(numberOption('x', '-2', -3, 3)).toBe(-2);
    expect(positiveOption('x', '0.5', 1)).toBe(0.5);
    expect(['7', '3.', '.5', '-0.25', '2E+3'].map((text) => numberOption('x', text, -1))).toEqual([7, 3, 0.5, -0.25, 2000]);
    for (const read of [numberOption, positiveOption]) expect(read('x', undefined)).toBeUndefined();
    for (const text of ['', ' ', 'much', 'NaN', 'Infinity', '-1', '0x20', ' 30 ', '+5', '1e', '.', '1e999']) {
      expect(() => numberOption('x', text)).toThrow(new UsageError(`--x must be a number, 0 or more, found "${text}"`));
      expect(() => numberOption('x', text, 1, 60)).toThrow(new UsageError(`--x must be a number, 1 to 60, found "${text}"`));
    }
    for (const text of ['', ' ', 'much', '0', '-1', 'Infinity', '0x20', ' 30 ', '+5', '0b1']) {
      expect(() => positiveOption('x', text)).toThrow(new UsageError(`--x must be a number above 0, found "${text}"`));
    }
    expect(() => positiveOption('x', '1', 1)).toThrow(new UsageError('--x must be a number above 0 and below 1, found "1"'));
  });

  it('is a list of words, each one of a few', () => {
    expect(choiceListOption('x', 'b, a', ['a', 'b'])).toEqual(['b', 'a']);
    expect(choiceListOption('x', undefined, ['a'])).toBeUndefined();
    expect(() => choiceListOption('x', 'a,c', ['a', 'b'])).toThrow('--x must be one of a, b, found "c"');
  });
});

describe('what is said of a wrong command line', () => {
  const thrown = (...args: string[]): unknown => {
    try {
      return parseCommandLine(args, OPTIONS);
    } catch (error) {
      return error;
    }
  };

  it('is a line, and one that says who explains it', () => {
    expect(usageText(new UsageError('no\nsuch'), 'x --help')).toBe('no\\nsuch\n`x --help` explains the options.');
    expect(usageText(new OptionError('do not go together'), 'x --help')).toMatch(/^do not go together\n/);
  });

  it('is one line of several that node says', () => {
    expect(usageText(thrown('--task', '--episodes', '3'), 'x --help')).toMatch(
      /^Option '--task' argument is ambiguous\. Did you forget[^\n\\]*\n`x --help`[^\n]*$/,
    );
  });

  it('is nothing of other errors', () => {
    for (const error of [new SetupError('no package'), new WarmstepError('no'), new TypeError('no'), 'no']) {
      expect(usageText(error, 'x')).toBeUndefined();
    }
  });
});
