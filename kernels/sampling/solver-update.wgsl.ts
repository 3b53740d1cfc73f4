import { declareBindings, type KernelBinding } from '../lib/kernel.js';
import { reportNonFinite } from '../lib/status.wgsl.js';
import { snakeCase, wgsl } from '../lib/wgsl.js';

/** Fields of the uniform `step`, in their order: numbers of a solver step, and the code that its failure is reported by. */
const STEP_FIELDS = {
  x0FromSample: 'f32',
  x0FromOutput: 'f32',
  epsFromSample: 'f32',
  epsFromOutput: 'f32',
  fromX0: 'f32',
  fromEps: 'f32',
  fromSample: 'f32',
  fromPreviousX0: 'f32',
  fromNoise: 'f32',
  /** 0 for none. */
  clip: 'f32',
  statusCode: 'u32',
  fromOlderX0: 'f32',
  /** Dynamic thresholding, where thresholdMost is above 0. */
  thresholdQuantile: 'f32',
  thresholdMost: 'f32',
} as const;

export type StepField = keyof typeof STEP_FIELDS;
const ENTRIES = Object.entries(STEP_FIELDS) as [StepField, 'f32' | 'u32'][];

/** Bytes of the uniform `step`: its fields, up to a multiple of 16. */
export const STEP_UNIFORM_BYTES = Math.ceil(ENTRIES.length / 4) * 16;

/** Elements of an array of uniforms are multiples of 16 bytes. */
const SLOT_PADDING = Array.from({ length: STEP_UNIFORM_BYTES / 4 - ENTRIES.length }, (_, index) => `  padding_${index}: f32,`);

/** Writes the uniform of one denoising step at byte `offset`. */
export function writeStepUniform(to: DataView, offset: number, values: Readonly<Record<StepField, number>>): void {
  ENTRIES.forEach(([field, type], index) => {
    if (type === 'f32') to.setFloat32(offset + index * 4, values[field], true);
    else to.setUint32(offset + index * 4, values[field], true);
  });
}

/** A network's output that comes as partial sums [parts][b][elements], with a bias per channel: elements are tokens of so many channels. */
export interface OutputParts {
  readonly parts: number;
  readonly channels: number;
  /** Whether the output is also written as a whole, for others to read. */
  readonly stored: boolean;
}

/** Coefficients for each row of a chunk, whose rows are tokens of so many channels. */
export interface StepSlots {
  readonly rows: number;
  readonly channels: number;
}

/** What both kernels of solver steps bind: see solver-step.wgsl.ts. `parts`: where the output comes in parts. */
export function stepBindings(parts?: OutputParts, slots?: StepSlots): KernelBinding[] {
  return [
    slots
      ? { name: 'steps', access: 'uniform', type: `array<Step, ${slots.rows}>`, dynamic: true }
      : { name: 'step', access: 'uniform', type: 'Step', dynamic: true },
    { name: 'output', access: 'read', type: 'array<f32>' },
    ...(parts ? [{ name: 'output_bias', access: 'read', type: 'array<f32>' } as const] : []),
    { name: 'noise', access: 'read', type: 'array<f32>', dynamic: true },
    { name: 'sample', access: 'read_write', type: 'array<f32>' },
    { name: 'x0', access: 'read_write', type: 'array<vec2f>' },
    { name: 'status', access: 'read_write', type: 'array<atomic<u32>>' },
    ...(parts?.stored ? [{ name: 'whole_output', access: 'read_write', type: 'array<f32>' } as const] : []),
  ];
}

/** What a solver step's label says of an output in parts. */
export function partsLabel(parts?: OutputParts): string {
  return parts ? `, ${parts.parts} parts` : '';
}

/**
 * The step's coefficients, x̂0 of an element as the network has it, and the update once it is bounded. With `slots` an invocation calls
 * `choose_step` first, for the row of its element. An output in parts is its bias and then the parts in ascending order. A coefficient of 0
 * means "not there": buffers of unused terms may hold anything, NaN included.
 */
export function solverUpdate(parts?: OutputParts, slots?: StepSlots): string {
  const output = parts ? 'output_at(index)' : 'output[index]';
  return wgsl`
struct Step {
${[...ENTRIES.map(([field, type]) => `  ${snakeCase(field)}: ${type},`), ...(slots ? SLOT_PADDING : [])].join('\n')}
}
${declareBindings(stepBindings(parts, slots))}
${reportNonFinite}

#if ${slots !== undefined}
var<private> step: Step;

fn choose_step(element: u32) {
  step = steps[element / ${slots?.channels ?? 1}u];
}

#endif

#if ${parts !== undefined}
fn output_at(index: u32) -> f32 {
  let stride = arrayLength(&output) / ${parts?.parts ?? 1}u;
  var sum = output_bias[index % ${parts?.channels ?? 1}u];
  for (var part = 0u; part < ${parts?.parts ?? 1}u; part++) {
    sum += output[part * stride + index];
  }
  return sum;
}

#endif
fn predicted_x0(index: u32) -> f32 {
  return step.x0_from_sample * sample[index] + step.x0_from_output * ${output};
}

fn update(index: u32, sample_index: u32, clean: f32) {
  let x = sample[index];
  let m = ${output};
  #if ${parts?.stored ?? false}
  whole_output[index] = m;
  #endif
  report_non_finite(m, sample_index, step.status_code);
  let eps = step.eps_from_sample * x + step.eps_from_output * m;
  let past = x0[index];
  var next = step.from_x0 * clean + step.from_eps * eps + step.from_sample * x;
  if (step.from_previous_x0 != 0.0f) {
    next += step.from_previous_x0 * past.x;
  }
  if (step.from_older_x0 != 0.0f) {
    next += step.from_older_x0 * past.y;
  }
  if (step.from_noise != 0.0f) {
    next += step.from_noise * noise[index];
  }
  x0[index] = vec2f(clean, past.x);
  sample[index] = next;
}
`;
}
