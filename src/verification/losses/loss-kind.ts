import type { ComputeDevice } from '../../runtime/device.js';
import type { Method } from '../../training/methods/method.js';
import { MethodTraining } from '../../training/methods/method-training.js';
import type { ParameterStore } from '../../training/plan/parameter-store.js';
import { LOSSES_PROBE } from '../../training/plan/recorded-step.js';
import type { LossFiles } from './loss-files.js';

/** A loss and its gradients, computed by the step that training replays. */
export interface ComputedLoss {
  /** The loss and its parts, by their names in the recording. */
  readonly values: Readonly<Record<string, number>>;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** How the losses of a method are computed, by their names. */
export interface LossKind {
  /** Largest relative difference of a loss and of the norms of its gradient, in total and by module. */
  tolerance(loss: string): number;
  /** The same of the norm of one tensor's gradient. Default: no more. */
  tensorTolerance?(loss: string): number;
  /** @throws CheckpointError for a loss that is not known. */
  compute(device: ComputeDevice, files: LossFiles, loss: string): Promise<ComputedLoss>;
}

/** A step of a method on a batch, with probes; the method's own weights are `weights`. */
export async function computeStep<Batch, Part extends string>(
  device: ComputeDevice,
  method: Method<Batch, Part>,
  weights: ReadonlyMap<string, Float32Array>,
  batch: Batch,
  probes: readonly string[] = [],
): Promise<{
  readonly loss: number;
  readonly probes: ReadonlyMap<string, Float32Array>;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}> {
  const training = await MethodTraining.create(device, method, { ema: false, probes: [LOSSES_PROBE, ...probes] });
  try {
    training.write('weights', weights);
    const found = await training.runProbed(batch, null);
    const { loss } = await training.metrics();
    return { loss, probes: found, gradients: await training.read('gradients') };
  } finally {
    training.dispose();
  }
}

/** Runs `work` with networks that are run and not trained, and frees them. */
export async function withNetworks<Networks extends Readonly<Record<string, ParameterStore>>, T>(
  opening: { readonly [Name in keyof Networks]: () => Promise<Networks[Name]> },
  work: (networks: Networks) => Promise<T>,
): Promise<T> {
  const opened: [string, ParameterStore][] = [];
  try {
    for (const [name, open] of Object.entries(opening) as [string, () => Promise<ParameterStore>][]) opened.push([name, await open()]);
    return await work(Object.fromEntries(opened) as unknown as Networks);
  } finally {
    for (const [, store] of opened) store.destroy();
  }
}
