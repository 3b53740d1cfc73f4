import { OptionError } from '../foundation/errors.js';

/** "trainPolicy: sizes: …": which call, and which part of its options. */
const CALL = /^(?:train|serve)[A-Za-z]*: (?:(?:sizes|optimizer|history|scheduler|imageEncoder): )?/;

/**
 * Does what an API does, and tells its OptionErrors in the words of the command line, which knows no calls: "trainPolicy: batchSize must be …" is
 * "--batch must be …". `names`: options of the command line by the API's names. What is a word of its own, such as `steps`, is one where it is told of.
 */
export async function inOptionNames<T>(names: Readonly<Record<string, string>>, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    const message = reworded(names, error.message);
    throw message === error.message ? error : new OptionError(message, { cause: error });
  }
}

function reworded(names: Readonly<Record<string, string>>, message: string): string {
  const told = message.replace(CALL, '');
  return Object.entries(names).reduce((text, [name, option]) => {
    const isCamel = /[A-Z]/.test(name);
    return text.replace(new RegExp(isCamel ? `\\b(?:sizes\\.)?${name}\\b` : `^${name}\\b(?= (?:must|is|are)\\b)`, 'g'), `--${option}`);
  }, told);
}
