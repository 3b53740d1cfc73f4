import type { SolverStep } from '../diffusion/solver-step.js';
import type { DecisionInput } from './decision-input.js';
import type { InputLayout, InputRange } from './input-layout.js';
import { writeSolverStep } from './solver-step-uniform.js';

/** The host's copy of what goes up with a decision; made once per plan. */
export class DecisionStaging {
  readonly bytes: ArrayBuffer;
  readonly #layout: InputLayout;
  readonly #observations: Float32Array;
  readonly #history: Float32Array;
  readonly #noise: Float32Array;
  readonly #scales: Float32Array;
  readonly #steps: DataView;

  constructor(layout: InputLayout) {
    this.bytes = new ArrayBuffer(layout.bytes);
    this.#layout = layout;
    const floats = (range: InputRange): Float32Array => new Float32Array(this.bytes, range.offset, range.bytes / 4);
    this.#observations = floats(layout.observations);
    this.#history = floats(layout.history);
    this.#noise = floats(layout.noise);
    this.#scales = floats(layout.scales);
    this.#steps = new DataView(this.bytes, layout.steps.offset, layout.steps.bytes);
  }

  /** Writes an input in the order of the layout; returns how many bytes of it are to be uploaded. */
  fill(input: DecisionInput): number {
    this.#observations.set(input.observations);
    if (input.history) this.#history.set(input.history);
    this.#noise.set(input.noise);
    input.starts.forEach(({ predictionScale, noiseScale }, sample) => {
      this.#scales[2 * sample] = predictionScale;
      this.#scales[2 * sample + 1] = noiseScale;
    });
    const { steps } = input.schedule;
    // Codes fall from step to step, so that the largest one names the step that failed first.
    steps.forEach((step, index) => this.#writeStep(index, step, steps.length - index));

    const { steps: stepRange, stepStride, stepNoise, noiseStride } = this.#layout;
    input.stepNoise.forEach((row, index) => {
      new Float32Array(this.bytes, stepNoise.offset + index * noiseStride, row.length).set(row);
    });
    const noiseRows = input.stepNoise.length;
    return noiseRows > 0 ? stepNoise.offset + noiseRows * noiseStride : stepRange.offset + steps.length * stepStride;
  }

  #writeStep(index: number, step: SolverStep, statusCode: number): void {
    writeSolverStep(this.#steps, index * this.#layout.stepStride, step, statusCode);
  }
}
