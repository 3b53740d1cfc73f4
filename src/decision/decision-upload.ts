import { STEP_UNIFORM_BYTES } from '../../kernels/sampling/solver-update.wgsl.js';
import { START_SCALES_BYTES } from '../../kernels/sampling/start.wgsl.js';
import type { Schedule } from '../diffusion/solver-step.js';
import { alignUp, OFFSET_ALIGNMENT } from '../runtime/buffers.js';
import type { DecisionInput, DecisionShape } from './decision-input.js';
import { writeSolverStep } from './solver-step-uniform.js';

/** A part of the upload, in bytes. */
export interface InputRange {
  readonly offset: number;
  readonly bytes: number;
}

/** The host's copy of a part, as floats and as bytes. */
interface PartView {
  readonly floats: Float32Array;
  readonly bytes: Uint8Array;
}

/** One part of what goes up with a decision. */
interface UploadPart {
  bytes(shape: DecisionShape): number;
  /** Writes the part; returns how many bytes of it, from its beginning, this decision uses. */
  fill(to: PartView, input: DecisionInput, shape: DecisionShape): number;
  /** An object that all of the part follows from: while it is the same as before, the part stands as it is. */
  follows?(input: DecisionInput): object;
}

/** Bytes from one denoising step's uniform to the next. */
function stepStride(slotRows: number): number {
  return alignUp(slotRows * STEP_UNIFORM_BYTES, OFFSET_ALIGNMENT);
}

function chunkBytes({ batch, horizon, actionDim }: DecisionShape): number {
  return batch * horizon * actionDim * 4;
}

function noiseStride(shape: DecisionShape): number {
  return alignUp(chunkBytes(shape), OFFSET_ALIGNMENT);
}

const STEP_UNIFORMS = new WeakMap<Schedule, { readonly slotRows: number; readonly uniforms: Uint8Array }>();

/**
 * The uniforms of all steps of a schedule, made once: an episode goes from one schedule to another and back. `slotRows`: how many uniforms
 * a step has, one for each row of a chunk; where it has no `slots` they are alike.
 */
function stepUniforms(schedule: Schedule, slotRows = 1): Uint8Array {
  const known = STEP_UNIFORMS.get(schedule);
  if (known?.slotRows === slotRows) return known.uniforms;
  const { steps } = schedule;
  const stride = stepStride(slotRows);
  const uniforms = new Uint8Array(steps.length * stride);
  const view = new DataView(uniforms.buffer);
  steps.forEach((step, index) => {
    const { slots } = step;
    if (slots && slots.length !== slotRows) {
      throw new TypeError(`step ${index} has coefficients for ${slots.length} rows, its denoiser takes ${slotRows}`);
    }
    for (let row = 0; row < slotRows; row++) {
      // Codes fall from step to step, so that the largest one names the step that failed first.
      writeSolverStep(view, index * stride + row * STEP_UNIFORM_BYTES, slots?.[row] ?? step, steps.length - index);
    }
  });
  STEP_UNIFORMS.set(schedule, { slotRows, uniforms });
  return uniforms;
}

/** Writes a part that always has the same length. */
function whole(name: string, { floats }: PartView, values: Float32Array): number {
  if (values.length !== floats.length) {
    throw new TypeError(
      `${name} of a decision must have ${floats.length} values, found ${values.length}: a plan is compiled for one batch size.`,
    );
  }
  floats.set(values);
  return floats.byteLength;
}

/**
 * Everything that goes up with a decision, in one buffer and one write, in this order: the one place that knows it. Parts
 * begin at multiples of 256 bytes, to be bound on their own. What varies in length comes last, so that a short decision
 * uploads little.
 */
const PARTS = {
  /** Raw observations f32 [b][observationSteps][frameWidth]. */
  observations: {
    bytes: ({ batch, observationSteps, frameWidth }) => batch * observationSteps * frameWidth * 4,
    fill: (to, { observations }) => whole('observations', to, observations),
  },
  /** What the start reads beside the conditioning, f32 [b][observationSteps][rowWidth]. */
  rows: {
    bytes: ({ batch, observationSteps, rowWidth = 0 }) => batch * observationSteps * rowWidth * 4,
    fill: (to, { rows }) => (rows ? whole('rows', to, rows) : 0),
  },
  /** Random values of the start, f32 [b][latentDim]. */
  latent: {
    bytes: ({ batch, latentDim = 0 }) => batch * latentDim * 4,
    fill: (to, { latent }) => (latent ? whole('latents', to, latent) : 0),
  },
  /** Previous chunk, normalised, f32 [b][horizon][actionDim]. */
  history: {
    bytes: chunkBytes,
    fill: (to, { history }) => (history ? whole('history', to, history) : 0),
  },
  /** Initial noise f32 [b][horizon][actionDim]. */
  noise: {
    bytes: chunkBytes,
    fill: (to, { noise }) => whole('noise', to, noise),
  },
  /** Prediction scale and noise scale of the start, vec2f [b]. */
  scales: {
    bytes: ({ batch }) => batch * START_SCALES_BYTES,
    fill: ({ floats }, { starts }) => {
      for (let sample = 0; sample < starts.length; sample++) {
        const { predictionScale, noiseScale } = starts[sample] as DecisionInput['starts'][number];
        floats[2 * sample] = predictionScale;
        floats[2 * sample + 1] = noiseScale;
      }
      return floats.byteLength;
    },
  },
  /** Solver coefficients, one uniform per denoising step, or one per row of the chunk, `stepStride` apart. */
  steps: {
    bytes: ({ maxSteps, slotRows = 1 }) => maxSteps * stepStride(slotRows),
    follows: ({ schedule }) => schedule,
    fill: ({ bytes }, { schedule }, { slotRows }) => {
      const steps = stepUniforms(schedule, slotRows);
      bytes.set(steps);
      return steps.length;
    },
  },
  /** Step noise, rows of f32 [b][horizon][actionDim], `noiseStride` apart; at least one row, so that it can be bound. */
  stepNoise: {
    bytes: (shape) => Math.max(1, shape.maxNoiseRows) * noiseStride(shape),
    fill: ({ floats }, { stepNoise }, shape) => {
      const stride = noiseStride(shape);
      for (let row = 0; row < stepNoise.length; row++) {
        const values = stepNoise[row] as Float32Array;
        // A shorter one would leave noise of an earlier decision behind it.
        if (values.byteLength !== chunkBytes(shape)) {
          throw new TypeError(`row ${row} of step noise must have ${chunkBytes(shape) / 4} values, found ${values.length}`);
        }
        floats.set(values, (row * stride) / 4);
      }
      return stepNoise.length * stride;
    },
  },
} as const satisfies Readonly<Record<string, UploadPart>>;

type PartName = keyof typeof PARTS;
const ENTRIES = Object.entries(PARTS) as [PartName, UploadPart][];

/** A part in the host's copy. */
interface StagedPart {
  readonly part: UploadPart;
  readonly offset: number;
  readonly view: PartView;
  /** What it followed from when it was written, and how many bytes that were. */
  followed: object | undefined;
  used: number;
}

/** Where each part lies in the buffer. */
export type InputLayout = Readonly<Record<PartName, InputRange>> & {
  readonly stepStride: number;
  readonly noiseStride: number;
  readonly bytes: number;
};

export function inputLayout(shape: DecisionShape): InputLayout {
  let end = 0;
  const ranges = ENTRIES.map(([name, part]): [PartName, InputRange] => {
    const range = { offset: end, bytes: part.bytes(shape) };
    end += alignUp(range.bytes, OFFSET_ALIGNMENT);
    return [name, range];
  });
  const parts = Object.fromEntries(ranges) as Record<PartName, InputRange>;
  return { ...parts, stepStride: stepStride(shape.slotRows ?? 1), noiseStride: noiseStride(shape), bytes: end };
}

/** The host's copy of what goes up with a decision; made once per plan. */
export class DecisionUpload {
  readonly bytes: ArrayBuffer;
  readonly #shape: DecisionShape;
  readonly #parts: readonly StagedPart[];

  constructor(shape: DecisionShape, layout = inputLayout(shape)) {
    const bytes = new ArrayBuffer(layout.bytes);
    this.bytes = bytes;
    this.#shape = shape;
    this.#parts = ENTRIES.map(([name, part]) => {
      const { offset, bytes: size } = layout[name];
      const view = { floats: new Float32Array(bytes, offset, size / 4), bytes: new Uint8Array(bytes, offset, size) };
      return { part, offset, view, followed: undefined, used: 0 };
    });
  }

  /**
   * Writes an input in the order of the layout; returns how many bytes of it are to be uploaded.
   * @throws TypeError for values that are not as many as the shape says.
   */
  fill(input: DecisionInput): number {
    let end = 0;
    for (const staged of this.#parts) {
      const { part, offset, view } = staged;
      const followed = part.follows?.(input);
      if (followed === undefined || followed !== staged.followed) {
        staged.used = part.fill(view, input, this.#shape);
        staged.followed = followed;
      }
      if (staged.used > 0) end = offset + staged.used;
    }
    return end;
  }
}
