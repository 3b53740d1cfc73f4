import { OptionError } from '../foundation/errors.js';
import { strategyNamed } from './index.js';
import { spellingOf } from './spelling.js';
import type { NamedStrategy } from './strategy-options.js';

/** Values that a command line spells otherwise than a program. */
const VALUES = [
  [/^clip must be null\b/, 'clip must be none'],
  [/\{ quantile, most \} for dynamic thresholding/, 'threshold-QUANTILE-MOST'],
] as const;

/**
 * Does what makes a strategy of a spec, and tells its OptionErrors in the words of the spec, which knows no names of a program: "strategy STEP: warmStart:
 * mode must be …" is `strategy "step:2/start=eq31": start must be …`. What a strategy needs besides stays as it is, and so do errors of a class of their
 * own, such as SetupError.
 */
export function inSpecWords<T>({ name, options }: NamedStrategy, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof OptionError) || error.constructor !== OptionError) throw error;
    if (error.message.startsWith(`strategy ${options.name} `)) throw error;
    throw new OptionError(`strategy "${name}": ${reworded(options.name, error.message)}`, { cause: error });
  }
}

function reworded(strategy: string, message: string): string {
  const definition = strategyNamed(strategy);
  const told = [...((definition && spellingOf(definition).told) ?? []), ...VALUES];
  const prefix = `strategy ${strategy}: `;
  const bare = message.startsWith(prefix) ? message.slice(prefix.length) : message;
  return told.reduce((text, [said, word]) => text.replace(said, word), bare);
}
