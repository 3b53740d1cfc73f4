import { CheckpointError } from '../foundation/errors.js';
import type { NamedTensors } from './named-tensors.js';

/** A batch norm's variance in LeRobot's and in torchvision's names. */
const VARIANCE = /(?:^|\.)running_var$/;

/**
 * Refuses a variance below 0: its square root is NaN, in all that is decided or learned behind it. `where`: `tensor "X" in FILE`.
 * @throws CheckpointError.
 */
export function checkVariances(where: string, name: string, values: Float32Array): void {
  if (!VARIANCE.test(name)) return;
  const channel = values.findIndex((value) => value < 0);
  if (channel < 0) return;
  throw new CheckpointError(
    `${where}: expected variances of a batch norm, numbers of at least 0, found ${values[channel]} at ${channel}. The file is damaged or holds another ` +
      'tensor under this name: export the weights again.',
  );
}

/** The same tensors, of which no variance below 0 is read. */
export function withCheckedVariances(tensors: NamedTensors): NamedTensors {
  return {
    shape: (name) => tensors.shape(name),
    dtype: (name) => tensors.dtype(name),
    names: () => tensors.names(),
    readFloats: async (name) => {
      const values = await tensors.readFloats(name);
      checkVariances(tensors.locate(name), name, values);
      return values;
    },
    locate: (name) => tensors.locate(name),
  };
}
