import type { Schedule, SolverStep } from '../../diffusion/solver-step.js';
import type { SolverStepCall } from '../../ops/sampling.js';
import type { WeightLoader } from '../../ops/weight-source.js';
import type { PlanBuilder } from '../../runtime/plan-builder.js';
import type { OffsetValues } from '../../runtime/step-offsets.js';
import type { Tensor } from '../../runtime/tensor.js';
import type { MethodNetworks, MethodType } from '../../spec/method-networks.js';
import type { Start } from '../starts/start.js';

/** One evaluation and the solver step behind it. */
export interface EvaluationCall {
  /** Tokens [b][horizon][actionDim]; the solver step writes the next sample in its place. */
  readonly sample: Tensor;
  /** Where the network's output goes, likewise. */
  readonly output: Tensor;
  /** Which of the denoiser's `networks`; undefined where it has none. */
  readonly network: string | undefined;
  /** The rest of what `recordSolverStep` takes. */
  readonly solver: Omit<SolverStepCall, 'sample' | 'output'>;
}

/** A denoiser whose part of segment `observe` is recorded. */
export interface RecordedDenoiser {
  /** Networks that steps name (`SolverStep.network`), where there are several: each is recorded as a segment of its own. */
  readonly networks?: readonly string[];
  /** Records segment `evaluate`: sample → network, or several → solver step → sample. */
  evaluate(builder: PlanBuilder, call: EvaluationCall): void;
  /** Makes a replay of `evaluate` this step: sets the offsets of the step's rows of levels. */
  choose(values: OffsetValues, step: SolverStep): void;
}

/** A denoiser with everything that plans bind: its weights, and a row for every level that its steps name. */
export interface PlannedDenoiser {
  /** Of one evaluation, for rehearsals. Default: at timestep 0. */
  readonly rehearsed?: Schedule;
  /** Whether the steps of its schedules have coefficients for each row of a chunk (`SolverStep.slots`). Default false. */
  readonly perSlot?: boolean;
  /** Whether there is a row for every step; asked before every decision. Default: for all timesteps of the policy. */
  knows?(schedule: Schedule): boolean;
  /**
   * Records what depends on the observation alone. `conditioning`: one token [observationSteps × frameWidth] per sample, normalised.
   */
  observe(builder: PlanBuilder, conditioning: Tensor): RecordedDenoiser;
}

/** A planned denoiser of a method; its rows of levels are freed by `destroy`. */
export interface LevelledDenoiser extends PlannedDenoiser {
  readonly rehearsed: Schedule;
  /** Of its rows, on the device. */
  readonly bytes: number;
  knows(schedule: Schedule): boolean;
  destroy(): void;
}

/** The network of a method on the device, as one of the denoisers that requests may name. */
export interface MethodDenoiser {
  readonly type: MethodType;
  /** Rows of its chunks, where these are its own and begin from samples that runs bring. Default: the policy's horizon. */
  readonly horizon?: number;
  /** What predicts the starts of its runs, where it is none of the policy's predictors. */
  readonly start?: Start;
  /**
   * Makes rows for levels: of each the values that the network embeds (`SolverStep.levels`), no two alike. Weights stay those of the
   * networks that it was loaded with. `networks`: those that steps name, of a method that has several.
   */
  withLevels(levels: readonly (readonly number[])[], networks: readonly string[]): Promise<LevelledDenoiser>;
}

/** Brings the network of a method to the device. `onBlock`: called for every residual block of its U-Nets. */
export type LoadMethod<T extends MethodType> = (
  loader: WeightLoader,
  config: MethodNetworks[T],
  onBlock: () => void,
) => Promise<MethodDenoiser>;
