import { OptionError } from './errors.js';

/**
 * What a call needs is not there, or of no use: a package, a program, a camera, a folder that others use, a file that cannot be read. The message says
 * what to do. The call itself may be right: a command fails by it (exit code 1), where any other OptionError is a wrong command line (2).
 */
export class SetupError extends OptionError {}
