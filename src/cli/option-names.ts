import { OptionError } from '../foundation/errors.js';

/** "trainPolicy: sizes: …": which call, and which part of its options. */
const CALL = /^(?:train|serve|write)[A-Za-z]*: (?:(?:sizes|optimizer|history|scheduler|imageEncoder): )?/;

/** Names and values of others. */
const QUOTED = /("[^"]*")/;

/**
 * Does what an API does, and tells its OptionErrors in the words of the command line, which knows no calls: "trainPolicy: batchSize must be …" is
 * "--batch must be …". `names`: options of the command line by the API's names. What is a word of its own, such as `steps`, is one where it is told of.
 * Errors of a class of their own, such as SetupError, are no matter of an option, and stay as they are.
 */
export async function inOptionNames<T>(names: Readonly<Record<string, string>>, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OptionError) || error.constructor !== OptionError) throw error;
    const message = reworded(names, error.message);
    throw message === error.message ? error : new OptionError(message, { cause: error });
  }
}

function reworded(names: Readonly<Record<string, string>>, message: string): string {
  const [first = '', ...rest] = message.replace(CALL, '').split(QUOTED);
  return [inOptions(names, first, true), ...rest.map((part, i) => (i % 2 === 0 ? part : inOptions(names, part, false)))].join('');
}

/** Names that are part of a path, or of a name of something else, are none of options. */
function inOptions(names: Readonly<Record<string, string>>, text: string, isStart: boolean): string {
  return Object.entries(names).reduce((told, [name, option]) => {
    if (/[A-Z]/.test(name)) return told.replace(new RegExp(`(?<![\\w./-])(?:sizes\\.)?${name}(?![\\w/])`, 'g'), `--${option}`);
    return isStart ? told.replace(new RegExp(`^${name}\\b(?= (?:must|is|are)\\b)`), `--${option}`) : told;
  }, text);
}
