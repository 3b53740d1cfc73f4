import { encodeSafetensors } from '../../checkpoints/safetensors/safetensors.js';
import { CheckpointError } from '../../foundation/errors.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { CaseReport, CaseSources } from '../case-report.js';
import type { GoldenCase } from '../golden-case.js';
import { trainingDescription } from './description.js';
import { TRAINING_KINDS } from './kinds.js';
import { runTrainingCase } from './run-training-case.js';

/** Whether a case is one of training. */
export function isTrainingCase(golden: GoldenCase): boolean {
  return golden.description.kind?.startsWith('train-') ?? false;
}

/**
 * Runs a training case: every run of it, step by step, by the plan that training replays. Tensors of the report are named by run; the dump
 * holds `<run>.loss`, `grad.<parameter>`, `<run>.delta.<n>.samples`, `<run>.delta.<n>.l2`, and inner values.
 * @throws CheckpointError for a kind that is not known; what compiling a network for training throws.
 */
export async function verifyTrainingCase(golden: GoldenCase, sources: CaseSources, device: ComputeDevice): Promise<CaseReport> {
  const { kind = '' } = golden.description;
  const open = TRAINING_KINDS.get(kind);
  if (!open) {
    await Promise.all([sources.policy?.close(), sources.predictor?.close()]);
    throw new CheckpointError(
      `case "${golden.name}": kind must be one of ${[...TRAINING_KINDS.keys()].join(', ')} for training, found "${kind}".`,
    );
  }
  const description = trainingDescription(golden.name, golden.description as Readonly<Record<string, unknown>>);
  const network = await open(golden, description, sources, device);
  try {
    const { tensors, dump } = await runTrainingCase(golden, description, network);
    return { name: golden.name, precision: 'f32', tensors, pass: tensors.every(({ pass }) => pass), dump: encodeSafetensors(dump) };
  } finally {
    network.dispose();
  }
}
