import { OptionError } from '../foundation/errors.js';
import { checkText } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';
import type { Thresholding } from '../spec/sampling.js';
import type { Spelling, StrategyDefinition, Values } from './define.js';
import { STRATEGIES } from './index.js';
import { spellingOf } from './spelling.js';
import type { NamedStrategy, StrategyOptions } from './strategy-options.js';

export const STRATEGY_SPEC_HELP = `A strategy is a name, a number of network evaluations, and options, e.g. step:2, ddim:10, step:2/start=eq13/sigmaT=0.1/stall.
Options by name, with their defaults:
${STRATEGIES.map((strategy) => {
  const { spelled, count } = strategy;
  const head = `  ${spelled}${count === undefined ? '' : ':N'}`;
  const lines = Object.entries(spellingOf(strategy).words).map(
    ([word, { help }]) => `    ${word.padEnd(17)} ${word === count ? 'N: ' : ''}${help}`,
  );
  return [head, ...lines].join('\n');
}).join('\n')}`;

/**
 * Reads a strategy as it is written on a command line. Its name is the one spelling of what was written: `step/budget=2` is
 * `step:2`, and options have the order of the help.
 * @throws OptionError for what it does not know.
 */
export function parseStrategy(text: string): NamedStrategy {
  checkText('parseStrategy', 'the strategy', text);
  const [head = '', ...parts] = text.split('/');
  const [name = '', ...counts] = head.split(':');
  const kind = STRATEGIES.find(({ spelled }) => spelled === name);
  if (!kind)
    throw new OptionError(
      `strategy "${shownValue(text)}" begins with "${shownValue(name)}": known are ${STRATEGIES.map(({ spelled }) => spelled).join(', ')}`,
    );
  const { words, build } = spellingOf(kind);
  const where = `strategy "${shownValue(text)}"`;
  const entries = parts.map((part): [string, string] => {
    const [key = '', ...value] = part.split('=');
    return [key, value.join('=')];
  });
  if (counts.length > 0) {
    if (!kind.count) throw new OptionError(`${where}: ${name} takes no number of evaluations`);
    entries.unshift([kind.count, counts.join(':')]);
  }
  const values: Record<string, unknown> = {};
  for (const [key, value] of entries) {
    const word = ownEntry(words, key);
    if (!word) throw new OptionError(`${where}: unknown option "${shownValue(key)}". ${name} has: ${Object.keys(words).join(', ')}`);
    if (Object.hasOwn(values, key)) throw new OptionError(`${where}: ${key} is there twice`);
    values[key] = word.read(value, `${where}: ${key}`);
  }
  // Whether the values are possible is checked where a strategy is made of them.
  const options = { name: kind.name, ...build(values, where) } as unknown as StrategyOptions;
  return { name: canonicalName(kind, words, values), options };
}

function canonicalName(
  { spelled, count }: Pick<StrategyDefinition, 'spelled' | 'count'>,
  words: Spelling['words'],
  values: Values,
): string {
  const counted = count !== undefined && Object.hasOwn(values, count) ? `${spelled}:${String(values[count])}` : spelled;
  const others = Object.keys(words).filter((key) => key !== count && Object.hasOwn(values, key));
  return [counted, ...others.map((key) => spell(key, values[key]))].join('/');
}

function isThresholding(value: unknown): value is Thresholding {
  return typeof value === 'object' && value !== null && 'quantile' in value;
}

function spell(key: string, value: unknown): string {
  if (value === true) return key;
  if (value === false) return `${key}=off`;
  if (value === null) return `${key}=none`;
  if (isThresholding(value)) return `${key}=threshold-${value.quantile}-${value.most}`;
  return `${key}=${Array.isArray(value) ? value.join('-') : String(value)}`;
}

/** Words such as `constructor` are in every object: they are none of ours. */
function ownEntry<T>(entries: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}

/** Reads strategies between commas. @throws OptionError also for a strategy that is there twice. */
export function parseStrategies(text: string): NamedStrategy[] {
  checkText('parseStrategies', 'the list', text);
  const all = text.split(',').map((part) => parseStrategy(part.trim()));
  const twice = all.find(({ name }, i) => all.findIndex((other) => other.name === name) !== i);
  if (twice) throw new OptionError(`strategy "${twice.name}" is there twice`);
  return all;
}
