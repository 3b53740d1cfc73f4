import { OptionError } from '../foundation/errors.js';
import { parseStrategy } from '../strategies/parse.js';
import type { NamedStrategy } from '../strategies/strategy-options.js';
import type { StrategyGrid } from './record.js';

/** A grid and the strategies of its cells. */
export interface Grid extends StrategyGrid {
  readonly strategies: readonly NamedStrategy[];
}

/**
 * Ablations of the paper (STEP, tables 8 and 9) and of this engine: where the stall rule fires, its mixture, start rule,
 * budget, history. The mixture is varied where the rule matters: with the little noise of eq. 13, and a distance at which
 * the bundled policy's standstills are found.
 */
export const ABLATIONS = [
  'step:2/start=forward-noise,eq13/eps=0.01,0.03,0.1',
  'step:2/start=eq13/eps=0.03/sigmaScale=0.2,0.4,0.6,0.8/sigmaStall=0.4,0.8,1.2,1.6',
  'step:2/start=forward-noise,eq13,train-index,snr-matched,mean-matched',
  'step/budget=1,2,4,8',
  'step:2/history=full,executed,tail,none/predictor=network,shift',
] as const;

/**
 * Reads a strategy in which one or two options have several values between commas, e.g. `step:2/start=eq13,mean-matched`.
 * @throws OptionError for no such option, or more than two, and for a value that is there twice.
 */
export function parseGrid(text: string): Grid {
  const [head = '', ...parts] = text.split('/');
  const options = parts.map((part) => {
    const [option = '', ...value] = part.split('=');
    return { option, values: value.join('=').split(',') };
  });
  const axes = options.filter(({ values }) => values.length > 1);
  if (axes.length < 1 || axes.length > 2) {
    throw new OptionError(
      `grid "${text}" must have one or two options with several values, found ${axes.length}: write e.g. step:2/start=eq13,mean-matched`,
    );
  }
  const twice = axes.find(({ values }) => new Set(values).size < values.length);
  if (twice) throw new OptionError(`grid "${text}" has a value of ${twice.option} twice: leave one out`);
  const cells = combinations(options).map((choice) =>
    [head, ...choice.map(({ option, value }) => (value === '' ? option : `${option}=${value}`))].join('/'),
  );
  const strategies = cells.map(parseStrategy);
  return { axes, cells: strategies.map(({ name }) => name), strategies };
}

function combinations(
  options: readonly { readonly option: string; readonly values: readonly string[] }[],
): { option: string; value: string }[][] {
  return options.reduce<{ option: string; value: string }[][]>(
    (all, { option, values }) => all.flatMap((choice) => values.map((value) => [...choice, { option, value }])),
    [[]],
  );
}
