import {
  CheckpointError,
  DatasetError,
  DeviceLimitError,
  DeviceLostError,
  DisposedError,
  DownloadError,
  HalfRangeError,
  NoAdapterError,
  NonFiniteError,
  ObservationError,
  OptionError,
  ShaderError,
  UnsupportedCheckpointError,
  WarmstepError,
} from '../foundation/errors.js';
import type { PostedError } from './messages.js';

/** By name, since classes do not travel. A test holds that none is missing. */
export const ERROR_CLASSES: ReadonlyMap<string, new (message: string) => Error> = new Map(
  [
    CheckpointError,
    DatasetError,
    DeviceLimitError,
    DeviceLostError,
    DisposedError,
    DownloadError,
    HalfRangeError,
    NoAdapterError,
    NonFiniteError,
    ObservationError,
    OptionError,
    ShaderError,
    UnsupportedCheckpointError,
    WarmstepError,
  ].map((one) => [one.name, one]),
);

export function toPosted(error: unknown): PostedError {
  return error instanceof Error ? { name: error.name, message: error.message } : { name: 'Error', message: String(error) };
}

/** The error as the worker threw it: of the same class where it is one of this package's, so that `instanceof` tells them apart here too. */
export function fromPosted({ name, message }: PostedError): Error {
  const known = ERROR_CLASSES.get(name);
  if (known) return new known(message);
  const error = new Error(message);
  error.name = name;
  return error;
}
