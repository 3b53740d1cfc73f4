import { CheckpointError } from '../../foundation/errors.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { SchedulerConfig } from '../../spec/policy-spec.js';
import type { PlannedTraining } from '../../training/plan/planned-training.js';
import type { RecordedStepMetrics } from '../../training/plan/recorded-step.js';
import type { ParameterInfo, ParameterSet, StepStatistics, UpdateScalars } from '../../training/training-step.js';
import type { TrainedPrediction } from '../../training/unet/batch.js';
import type { CaseSources } from '../case-report.js';
import type { GoldenCase } from '../golden-case.js';
import type { TrainingDescription } from './description.js';

/** Allowed differences of a kind of case, as the README of the cases has them. */
export interface TrainingTolerances {
  /** Of a loss, relative. */
  readonly loss: number;
  /** Of a gradient, relative to the largest value of its tensor. */
  readonly gradient: number;
  /** Of norms and clip factors, relative. */
  readonly norm: number;
  /** The same after the first step, where a network amplifies rounding. Default: as at the first step. */
  readonly laterNorm?: number;
  /** Of the weights' change, relative L2 over all parameters; and where the rate is so small that rounding shows. */
  readonly change: number;
  readonly smallChange: number;
}

export const TRAINING_TOLERANCES: TrainingTolerances = { loss: 1e-4, gradient: 1e-4, norm: 1e-5, change: 1e-2, smallChange: 1e-1 };

/**
 * Of networks behind the small encoder. Norms of later steps have a bound of their own, as those of image policies: a ReLU whose sum is within float32's
 * rounding of 0 may pass its gradient where the reference does not (4.4e-5 in `train-image-cvae-projected` on SwiftShader, 1e-6 elsewhere).
 */
export const SMALL_ENCODER_TOLERANCES: TrainingTolerances = { ...TRAINING_TOLERANCES, laterNorm: 2e-4 };

/** A single step on the inputs of step 0 that is recorded beside the runs: its loss, and the gradients `expected.<name>.grad`. */
export interface RecordedVariant {
  readonly name: string;
  readonly loss: number;
  run(): void;
}

/** A network of a training case, compiled for training, with the recorded inputs of every step. */
export interface TrainingCaseNetwork {
  readonly tolerances: TrainingTolerances;
  readonly startWeights: ReadonlyMap<string, Float32Array>;
  readonly variants?: readonly RecordedVariant[];
  /** Of batch norms, with those that the case begins with. */
  readonly statistics?: { readonly start: ReadonlyMap<string, Float32Array>; readonly of: StepStatistics } | undefined;
  /** Step 0 as the network is run when it acts, without mask and update. */
  evaluate?(): void;
  /** One step on the inputs of step number `step`. */
  run(step: number, isMasked: boolean, update: UpdateScalars | null): void;
  metrics(): Promise<RecordedStepMetrics>;
  read(set: ParameterSet): Promise<ReadonlyMap<string, Float32Array>>;
  write(set: ParameterSet, tensors: ReadonlyMap<string, Float32Array>): void;
  /** Inner values at step 0, without mask and update, by the names of the expected tensors (without `expected.`), in their order. */
  inner(names: readonly string[]): Promise<ReadonlyMap<string, Float32Array>>;
  dispose(): void;
}

/** What a compiled network gives a case by itself, beside what the case knows. */
export function caseNetwork<Batch>(
  training: PlannedTraining<Batch>,
  known: Omit<TrainingCaseNetwork, 'metrics' | 'read' | 'write' | 'dispose'>,
): TrainingCaseNetwork {
  return {
    ...known,
    metrics: () => training.metrics(),
    read: (set) => training.read(set),
    write: (set, tensors) => training.write(set, tensors),
    dispose: () => training.dispose(),
  };
}

/** Inner values of a step on `batch`, from a network that is compiled with their probes and has the start weights. */
export async function probedValues<Batch>(
  compiling: Promise<PlannedTraining<Batch>>,
  startWeights: ReadonlyMap<string, Float32Array>,
  batch: Batch,
): Promise<Map<string, Float32Array>> {
  const probed = await compiling;
  try {
    probed.write('weights', startWeights);
    return await probed.runProbed(batch, null);
  } finally {
    probed.dispose();
  }
}

/** @throws CheckpointError for a prediction that is not trained. */
export function trainedPrediction(golden: GoldenCase, { predictionType }: SchedulerConfig): TrainedPrediction {
  if (predictionType === 'epsilon' || predictionType === 'sample') return predictionType;
  throw new CheckpointError(`case "${golden.name}": prediction_type must be "epsilon" or "sample", found "${predictionType}".`);
}

/** Makes the network of a case; takes ownership of its sources. */
export type OpenTrainingCase = (
  golden: GoldenCase,
  description: TrainingDescription,
  sources: CaseSources,
  device: ComputeDevice,
) => Promise<TrainingCaseNetwork>;

/** @throws CheckpointError where a case lists other parameters than its network has, or in another order: samples are numbered by them. */
export function checkParameters(golden: GoldenCase, { parameters }: TrainingDescription, expected: readonly ParameterInfo[]): void {
  const told = ({ name, shape }: ParameterInfo): string => `${name} ${shape.join('×')}`;
  const wrong = expected.findIndex((parameter, index) => parameters[index] === undefined || told(parameters[index]) !== told(parameter));
  const at = wrong >= 0 ? wrong : expected.length;
  if (wrong < 0 && parameters.length === expected.length) return;
  const [wanted, found] = [expected[at], parameters[at]].map((parameter) => (parameter ? told(parameter) : 'none'));
  throw new CheckpointError(
    `case "${golden.name}": case.json: expected parameter ${at} to be ${wanted}, found ${found}. Record the case again with the policy it names.`,
  );
}
