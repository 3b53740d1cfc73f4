import { chooseTimestep, type TimestepOffsets, type TimestepTable, timestepOffsets } from '../networks/unet/timestep-table.js';
import type { PlanBuilder } from '../runtime/plan-builder.js';
import type { OffsetValues, StepOffset } from '../runtime/step-offsets.js';
import type { InputLayout } from './decision-upload.js';

/** What differs from one denoising step of a decision to the next. */
export interface DenoisingStep {
  /** Index in the schedule. */
  readonly step: number;
  readonly timestep: number;
  /** Row of the step noise; steps without noise need one too, within the buffer. */
  readonly noiseRow: number;
}

/** The step offsets of a decision's plan. */
export class DecisionOffsets {
  readonly timestep: TimestepOffsets;
  readonly coefficients: StepOffset;
  readonly noise: StepOffset;
  readonly #table: TimestepTable;
  readonly #layout: InputLayout;

  constructor(builder: PlanBuilder, table: TimestepTable, layout: InputLayout) {
    this.timestep = timestepOffsets(builder);
    this.coefficients = builder.offset('coefficients');
    this.noise = builder.offset('step noise');
    this.#table = table;
    this.#layout = layout;
  }

  /** Makes a replay of `evaluate` this step. */
  choose(values: OffsetValues, { step, timestep, noiseRow }: DenoisingStep): void {
    chooseTimestep(values, this.timestep, this.#table, timestep);
    values.set(this.coefficients, step * this.#layout.stepStride);
    values.set(this.noise, noiseRow * this.#layout.noiseStride);
  }
}
