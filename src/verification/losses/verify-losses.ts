import type { WritableTensor } from '../../checkpoints/safetensors/safetensors.js';
import type { CheckpointSource } from '../../checkpoints/source.js';
import { CheckpointError } from '../../foundation/errors.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { TensorReport } from '../compare.js';
import { compareTensor } from '../compare.js';
import { compareScalars, norm, WorstTensor } from '../training/compare-training.js';
import { LOSS_KINDS } from './kinds.js';
import { LOSSES_FILE, LossFiles, networkType } from './loss-files.js';
import type { ComputedLoss, LossKind } from './loss-kind.js';
import { type RecordedLoss, recordedLosses } from './recorded-loss.js';

/** Recorded gradients of whole tensors, of the generator's loss (OneDP). */
const WHOLE = 'grad.';

/** Losses of a method against those of its official code, and the tensors of the dump. */
export interface LossReport {
  readonly tensors: readonly TensorReport[];
  readonly dump: readonly WritableTensor[];
}

/** The losses of a case; nothing where none were recorded, or of a method that is not trained here. @throws what verifyLosses throws. */
export async function caseLosses(source: CheckpointSource, device: ComputeDevice): Promise<LossReport> {
  const isThere = (await source.list()).includes(LOSSES_FILE);
  return isThere && LOSS_KINDS.has(await networkType(source)) ? verifyLosses(source, device) : { tensors: [], dump: [] };
}

/**
 * Computes every recorded loss of a case, forward and backward, by the step that training replays, and compares the loss, its parts, and the norms of all
 * gradients: in total, by module, by tensor. Reports and dump are named as in `losses.json`: `<loss>.loss`, `<loss>.grad_norm.total`, …
 * @throws CheckpointError for a network or a loss that is not known; what compiling a network for training throws.
 */
export async function verifyLosses(source: CheckpointSource, device: ComputeDevice): Promise<LossReport> {
  const files = await LossFiles.open(source);
  const type = files.config.string('type');
  const kind = LOSS_KINDS.get(type);
  if (!kind)
    throw new CheckpointError(`case "${files.name}": losses of ${[...LOSS_KINDS.keys()].join(', ')} are verified, found "${type}".`);
  const tensors: TensorReport[] = [];
  const dump: WritableTensor[] = [];
  for (const recorded of await recordedLosses(source)) {
    const computed = await kind.compute(device, files, recorded.name);
    compareLoss(recorded, computed, kind, tensors, dump);
    if (recorded.name === 'generator') tensors.push(...(await compareWhole(files, computed, kind.tolerance(recorded.name))));
  }
  return { tensors, dump };
}

function compareLoss(
  recorded: RecordedLoss,
  { values, gradients }: ComputedLoss,
  kind: LossKind,
  tensors: TensorReport[],
  dump: WritableTensor[],
): void {
  const { name } = recorded;
  const tolerance = kind.tolerance(name);
  const put = (key: string, value: number): void => void dump.push({ name: `${name}.${key}`, dtype: 'F64', shape: [1], data: [value] });
  for (const [key, expected] of recorded.values) {
    const found = values[key] ?? NaN;
    tensors.push(compareScalars(`${name}.${key}`, [expected], [found], tolerance));
    put(key, found);
  }
  const norms = new Map([...gradients].map(([tensor, gradient]) => [tensor, norm(gradient)]));
  const over = (isMember: (tensor: string) => boolean): number =>
    norm([...norms].filter(([tensor]) => isMember(tensor)).map(([, value]) => value));
  if (recorded.total !== undefined) {
    const total = over(() => true);
    tensors.push(compareScalars(`${name}.grad_norm.total`, [recorded.total], [total], tolerance));
    put('grad_norm.total', total);
  }
  const groups = [...recorded.groups.keys()].map((group) => over((tensor) => tensor.startsWith(`${group}.`)));
  tensors.push(compareScalars(`${name}.grad_norm.groups`, [...recorded.groups.values()], groups, tolerance));
  [...recorded.groups.keys()].forEach((group, i) => put(`grad_norm.groups.${group}`, groups[i] as number));
  const worst = new WorstTensor();
  for (const [tensor, expected] of recorded.tensors) {
    const found = norms.get(tensor) ?? NaN;
    worst.add(compareScalars(tensor, [expected], [found], kind.tensorTolerance?.(name) ?? tolerance));
    put(`grad_norm.tensors.${tensor}`, found);
  }
  const report = worst.report(`${name}.grad_norm.tensors`);
  if (report) tensors.push(report);
  if (recorded.withoutGradient) tensors.push(withoutGradient(recorded, recorded.withoutGradient, norms));
}

/** Tensors without any gradient: the recorded ones and no others, exactly. */
function withoutGradient({ name, tensors }: RecordedLoss, expected: readonly string[], norms: ReadonlyMap<string, number>): TensorReport {
  const named = new Set([...tensors.keys(), ...expected]);
  const unknown = [...norms.keys()].filter((tensor) => !named.has(tensor)).length;
  const moved = expected.filter((tensor) => (norms.get(tensor) ?? 0) !== 0).length;
  const error = unknown + moved;
  return { name: `${name}.no_gradient`, shape: [expected.length], error, scale: 1, tolerance: 0, pass: error === 0 };
}

async function compareWhole(files: LossFiles, { gradients }: ComputedLoss, tolerance: number): Promise<TensorReport[]> {
  const reports: TensorReport[] = [];
  for (const [name, gradient] of gradients) {
    if (!files.has(WHOLE + name)) continue;
    const expected = await files.floats(WHOLE + name);
    reports.push(compareTensor(`generator.${WHOLE}${name}`, [expected.length], expected, gradient, tolerance));
  }
  return reports;
}
