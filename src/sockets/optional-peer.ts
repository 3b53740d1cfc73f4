import { SetupError } from '../foundation/setup-error.js';

/**
 * Imports a package that warmstep does not bring along.
 * @throws SetupError that says how to install it.
 */
export async function optionalPeer<T>(name: string, what: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new SetupError(`${what} needs the package ${name}, which is not installed: npm install ${name}`, { cause: error });
  }
}
