import * as errors from '../foundation/errors.js';
import type { PostedError } from './messages.js';

/** By the names that they are exported under: a class does not travel, and its own name is another in every minified bundle. */
export const ERROR_CLASSES: ReadonlyMap<string, new (message: string) => Error> = new Map(Object.entries(errors));

export function toPosted(error: unknown): PostedError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const known = [...ERROR_CLASSES].find(([, one]) => error.constructor === one);
  return { name: known?.[0] ?? error.name, message: error.message };
}

/** The error as the worker threw it: of the same class where it is one of this package's, so that `instanceof` tells them apart here too. */
export function fromPosted({ name, message }: PostedError): Error {
  const known = ERROR_CLASSES.get(name);
  if (known) return new known(message);
  const error = new Error(message);
  error.name = name;
  return error;
}
