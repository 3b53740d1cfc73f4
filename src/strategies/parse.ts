import { SOLVER_NAMES } from '../diffusion/solver-step.js';
import { WARM_START_MODES } from '../diffusion/warm-start.js';
import { OptionError } from '../foundation/errors.js';
import type { NamedStrategy, StrategyOptions } from './strategy-options.js';

/** What the text of an option becomes. */
type Value = (text: string, where: string) => unknown;

const number: Value = (text, where) => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new OptionError(`${where} must be a number, found "${text}"`);
  return value;
};
const word: Value = (text) => text;
const flag: Value = (text, where) => {
  if (text !== '' && text !== 'on' && text !== 'off') throw new OptionError(`${where} must be on or off, found "${text}"`);
  return text !== 'off';
};
const numberOrNone: Value = (text, where) => (text === 'none' ? null : number(text, where));
/** A published list by name, or timesteps between dashes. */
const timesteps: Value = (text, where) => (/^\d/.test(text) ? text.split('-').map((part) => number(part, where)) : text);

type Values = Readonly<Record<string, unknown>>;
type Table = Readonly<Record<string, Value>>;

const SOLVER_OPTIONS: Table = {
  steps: number,
  clip: numberOrNone,
  timestepSpacing: word,
  eta: number,
  setAlphaToOne: flag,
  solverType: word,
  finalSigma: word,
  lambdaMinClipped: number,
};
const STEP_OPTIONS: Table = {
  budget: number,
  start: word,
  sigma: number,
  sigmaT: number,
  cold: word,
  stall: flag,
  eps: number,
  norm: word,
  rows: word,
  space: word,
  sigmaScale: number,
  sigmaStall: number,
  predictor: word,
  history: word,
};
const RTI_DP_OPTIONS: Table = { timesteps };
const FALCON_OPTIONS: Table = {
  solver: word,
  steps: number,
  exploration: number,
  threshold: number,
  kappa: number,
  minTimestep: number,
  capacity: number,
  shiftOnReuse: flag,
};

interface Kind {
  readonly options: Table;
  /** The option that stands behind the colon. */
  readonly count?: string;
  readonly build: (values: Values, where: string) => Values;
}

const solver = (name: (typeof SOLVER_NAMES)[number]): Kind => ({
  options: SOLVER_OPTIONS,
  count: 'steps',
  build: (values) => ({ name, ...values }),
});

const KINDS: Readonly<Record<string, Kind>> = {
  ddpm: solver('DDPM'),
  ddim: solver('DDIM'),
  'dpm-solver++': solver('DPM-Solver++'),
  step: { options: STEP_OPTIONS, count: 'budget', build: stepOptions },
  'rti-dp': { options: RTI_DP_OPTIONS, build: (values) => ({ name: 'RTI-DP', ...values }) },
  falcon: { options: FALCON_OPTIONS, count: 'steps', build: (values) => ({ name: 'Falcon', ...values }) },
};

export const STRATEGY_SPEC_HELP = `A strategy is a name, a number of network evaluations, and options, e.g. step:2, ddim:10, step:2/start=eq13/sigmaT=0.1/stall.
Options by name:
${Object.entries(KINDS)
  .map(
    ([name, { options, count }]) =>
      `  ${`${name}${count ? ':N' : ''}`.padEnd(15)} ${Object.keys(options)
        .filter((key) => key !== count)
        .join(', ')}`,
  )
  .join('\n')}`;

/** Reads a strategy as it is written on a command line. @throws OptionError for what it does not know. */
export function parseStrategy(text: string): NamedStrategy {
  const [head = '', ...parts] = text.split('/');
  const [name = '', ...counts] = head.split(':');
  const kind = ownEntry(KINDS, name);
  if (!kind) throw new OptionError(`strategy "${text}" begins with "${name}": known are ${Object.keys(KINDS).join(', ')}`);
  const where = `strategy "${text}"`;
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
    const read = ownEntry(kind.options, key);
    if (!read) throw new OptionError(`${where}: unknown option "${key}". ${name} has: ${Object.keys(kind.options).join(', ')}`);
    if (Object.hasOwn(values, key)) throw new OptionError(`${where}: ${key} is there twice`);
    values[key] = read(value, `${where}: ${key}`);
  }
  // Whether the values are possible is checked where a strategy is made of them.
  return { name: text, options: kind.build(values, where) as unknown as StrategyOptions };
}

/** Words such as `constructor` are in every object: they are none of ours. */
function ownEntry<T>(entries: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}

/** Reads strategies between commas. @throws OptionError also for a strategy that is there twice. */
export function parseStrategies(text: string): NamedStrategy[] {
  const all = text.split(',').map((part) => parseStrategy(part.trim()));
  const twice = all.find(({ name }, i) => all.findIndex((other) => other.name === name) !== i);
  if (twice) throw new OptionError(`strategy "${twice.name}" is there twice`);
  return all;
}

const STALL_KEYS = ['eps', 'norm', 'rows', 'space', 'sigmaScale', 'sigmaStall'];

function stepOptions(values: Values, where: string): Values {
  const { start, sigma, sigmaT, cold, stall, ...rest } = values;
  const stallOptions = Object.fromEntries(STALL_KEYS.filter((key) => key in rest).map((key) => [key, rest[key]]));
  const others = Object.fromEntries(Object.entries(rest).filter(([key]) => !STALL_KEYS.includes(key)));
  const usesStall = stall === true || (stall === undefined && Object.keys(stallOptions).length > 0);
  const mixture = Object.fromEntries(Object.entries({ sigma, sigmaT }).filter(([, value]) => value !== undefined));
  if (start === undefined && Object.keys(mixture).length > 0) {
    throw new OptionError(
      `${where}: sigma and sigmaT belong to a start rule: add start=${WARM_START_MODES.filter((mode) => mode !== 'forward-noise').join(', start=')}`,
    );
  }
  return {
    name: 'STEP',
    ...others,
    ...(start === undefined ? {} : { warmStart: { mode: start, ...mixture } }),
    ...(cold === undefined ? {} : { coldStart: coldStart(cold as string, where) }),
    ...(usesStall ? { stall: stallOptions } : {}),
  };
}

/** `zero-history`, or a solver with its steps, e.g. ddim-16. */
function coldStart(text: string, where: string): object {
  if (text === 'zero-history') return { mode: text };
  const found = /^(ddpm|ddim|dpm-solver\+\+)-(\d+)$/.exec(text);
  const name = SOLVER_NAMES.find((candidate) => candidate.toLowerCase() === found?.[1]);
  if (!found || !name)
    throw new OptionError(`${where}: cold must be zero-history, or a solver and its steps such as ddim-16, found "${text}"`);
  return { mode: 'noise', solver: name, steps: Number(found[2]) };
}
