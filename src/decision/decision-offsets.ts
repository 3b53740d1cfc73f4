import type { SolverStep } from '../diffusion/solver-step.js';
import type { PlanBuilder } from '../runtime/plan-builder.js';
import type { OffsetValues, StepOffset } from '../runtime/step-offsets.js';
import type { InputLayout } from './decision-upload.js';
import type { RecordedDenoiser } from './denoisers/denoiser-network.js';

/** What differs from one denoising step of a decision to the next. */
export interface DenoisingStep {
  /** Index in the schedule. */
  readonly index: number;
  readonly step: SolverStep;
  /** Row of the step noise; steps without noise need one too, within the buffer. */
  readonly noiseRow: number;
}

/** The step offsets of a decision's plan. */
export class DecisionOffsets {
  readonly coefficients: StepOffset;
  readonly noise: StepOffset;
  readonly #denoiser: RecordedDenoiser;
  readonly #layout: InputLayout;

  constructor(builder: PlanBuilder, denoiser: RecordedDenoiser, layout: InputLayout) {
    this.coefficients = builder.offset('coefficients');
    this.noise = builder.offset('step noise');
    this.#denoiser = denoiser;
    this.#layout = layout;
  }

  /** Makes a replay of `evaluate` this step. */
  choose(values: OffsetValues, { index, step, noiseRow }: DenoisingStep): void {
    this.#denoiser.choose(values, step);
    values.set(this.coefficients, index * this.#layout.stepStride);
    values.set(this.noise, noiseRow * this.#layout.noiseStride);
  }
}
