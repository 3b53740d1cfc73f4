import { OptionError } from './errors.js';

/**
 * What a call needs is not there, or of no use: a package, a program, a camera, a folder that others use, a file that cannot be read. The message says
 * what to do. The call itself may be right: a command fails by it (exit code 1), where any other OptionError is a wrong command line (2).
 */
export class SetupError extends OptionError {}

/**
 * Does what works with what a file holds, and tells its OptionErrors as SetupErrors: whoever called gave a file, and what is in it is no option of the
 * call. `file`: put in front, where messages do not name it themselves.
 */
export async function ofFile<T>(work: () => T | Promise<T>, file?: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OptionError) || error instanceof SetupError) throw error;
    throw new SetupError(`${file === undefined ? '' : `${file}: `}${error.message}`, { cause: error });
  }
}
