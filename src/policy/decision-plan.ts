import { START_STATUS } from '../../kernels/start.wgsl.js';
import { makeSchedule, type Schedule } from '../diffusion/solver-step.js';
import { NonFiniteError } from '../errors.js';
import { recordPredictor } from '../networks/predictor.js';
import { recordObservationFilm, recordUnet } from '../networks/unet.js';
import { recordNormalize, recordShiftChunk, recordSolverStep, recordStart, recordUnnormalize } from '../ops/sampling.js';
import { alignUp, createBuffer, OFFSET_ALIGNMENT, USAGE } from '../runtime/buffers.js';
import { PlanBuilder, type BufferHandle } from '../runtime/plan-builder.js';
import { compilePlan, TapBuffer, type Plan, type SegmentRun, type StepOffsets } from '../runtime/plan.js';
import { asTokens, tapTensor, tokens } from '../runtime/tensor.js';
import { inputLayout, type DecisionShape, type InputLayout, type InputRange } from './input-layout.js';
import type { PolicyNetworks } from './policy-networks.js';

/** Everything a decision depends on: a decision is a pure function of these values. */
export interface DecisionInput {
  /** Raw observations f32 [b][observationSteps][frameWidth], oldest frame first. */
  readonly observations: Float32Array;
  readonly schedule: Schedule;
  /** Start of each sample: x = predictionScale · prediction + noiseScale · noise. */
  readonly starts: readonly { readonly predictionScale: number; readonly noiseScale: number }[];
  /** Previous chunk, normalised, f32 [b][horizon][actionDim]; looked at where a prediction scale is not 0. */
  readonly history: Float32Array | undefined;
  /** Standard normal f32 [b][horizon][actionDim]. */
  readonly noise: Float32Array;
  /** One row f32 [b][horizon][actionDim] for each of the schedule's noisy steps, in their order. */
  readonly stepNoise: readonly Float32Array[];
}

export interface DecisionOutput {
  /** Normalised chunk f32 [b][horizon][actionDim]. */
  readonly chunk: Float32Array;
  /** The chunk in the units of the robot, f32 [b][horizon][actionDim]. */
  readonly actionHorizon: Float32Array;
  /** Inner values that the plan was compiled to hand out. */
  readonly taps: ReadonlyMap<string, Float32Array>;
}

/** One evaluation at timestep 0 whose result nobody looks at. */
const REHEARSAL = makeSchedule('DDIM', [
  {
    timestep: 0,
    clip: null,
    x0FromSample: 0,
    x0FromOutput: 1,
    epsFromSample: 0,
    epsFromOutput: 0,
    fromX0: 1,
    fromEps: 0,
    fromSample: 0,
    fromPreviousX0: 0,
    fromNoise: 0,
  },
]);

/** Handles of the buffers that a decision reads back. */
interface Results {
  readonly status: BufferHandle;
  readonly chunk: BufferHandle;
  readonly actions: BufferHandle;
}

/**
 * The plan of a decision for one batch size: observe, predict, start, evaluate × steps, finish. Run again and again it
 * costs one write, one command buffer, one submit and one read-back, and creates nothing else on the device.
 */
export class DecisionPlan {
  readonly shape: DecisionShape;
  readonly taps: ReadonlySet<string>;
  readonly #networks: PolicyNetworks;
  readonly #layout: InputLayout;
  readonly #plan: Plan;
  readonly #inputs: GPUBuffer;
  readonly #results: readonly { readonly source: GPUBuffer; readonly range: InputRange }[];
  readonly #readback: GPUBuffer;
  readonly #staging: ArrayBuffer;
  readonly #offsets: StepOffsets[];

  private constructor(
    networks: PolicyNetworks,
    shape: DecisionShape,
    taps: ReadonlySet<string>,
    layout: InputLayout,
    plan: Plan,
    inputs: BufferHandle,
    results: Results,
    readback: GPUBuffer,
  ) {
    this.shape = shape;
    this.taps = taps;
    this.#networks = networks;
    this.#layout = layout;
    this.#plan = plan;
    this.#inputs = plan.gpuBuffer(inputs);
    this.#readback = readback;
    this.#staging = new ArrayBuffer(layout.bytes);
    let offset = 0;
    this.#results = [results.status, results.chunk, results.actions].map((handle) => {
      const range = { offset, bytes: handle.bytes };
      offset += alignUp(handle.bytes, OFFSET_ALIGNMENT);
      return { source: plan.gpuBuffer(handle), range };
    });
    // Reused by every decision; the table rows follow from the schedule of the day.
    this.#offsets = Array.from({ length: shape.maxSteps }, () => ({ filmRow: 0, embeddingRow: 0, coefficients: 0, noise: 0 }));
  }

  static async compile(networks: PolicyNetworks, shape: DecisionShape, taps: Iterable<string> = []): Promise<DecisionPlan> {
    const wanted = new Set(taps);
    const layout = inputLayout(shape);
    const builder = new PlanBuilder(networks.device.deviceClass, wanted);
    const { inputs, results } = recordDecision(builder, networks, shape, layout);
    const { device } = networks;
    const plan = await compilePlan(device, builder);
    try {
      const bytes = Object.values(results).reduce((sum, handle: BufferHandle) => sum + alignUp(handle.bytes, OFFSET_ALIGNMENT), 0);
      const readback = await createBuffer(device, 'read-back', bytes, USAGE.mapRead | USAGE.copyDestination);
      return new DecisionPlan(networks, shape, wanted, layout, plan, inputs, results, readback);
    } catch (error) {
      plan.destroy();
      throw error;
    }
  }

  /** Dispatches of a decision with `steps` network evaluations. */
  dispatchCount(steps: number, predicted: boolean): number {
    const count = (segment: string): number => this.#plan.dispatchCount(segment);
    return count('observe') + (predicted ? count('predict') : 0) + count('start') + steps * count('evaluate') + count('finish');
  }

  /** Whether a schedule fits into the buffers of this plan. */
  fits(schedule: Schedule): boolean {
    return schedule.steps.length <= this.shape.maxSteps && schedule.noisySteps <= this.shape.maxNoiseRows;
  }

  /**
   * Decides. Calls must not overlap.
   * @throws NonFiniteError when the network, or the start, is NaN or infinite.
   */
  async run(input: DecisionInput): Promise<DecisionOutput> {
    const { device } = this.#networks;
    device.assertUsable();
    const { queue } = device.gpuDevice;
    queue.writeBuffer(this.#inputs, 0, this.#staging, 0, this.#fillStaging(input));
    const runs = this.#runs(input);

    const encoder = device.gpuDevice.createCommandEncoder({ label: 'decision' });
    const status = this.#results[0]?.source as GPUBuffer;
    encoder.clearBuffer(status);
    const tapped = await this.#tapBuffer(runs);
    this.#plan.encode(encoder, runs, tapped);
    for (const { source, range } of this.#results) {
      encoder.copyBufferToBuffer(source, 0, this.#readback, range.offset, range.bytes);
    }
    queue.submit([encoder.finish()]);
    await device.settle(this.#readback.mapAsync(1 /* GPUMapMode.READ */));
    const mapped = this.#readback.getMappedRange();
    const [code, chunk, actions] = this.#results.map(({ range }) => mapped.slice(range.offset, range.offset + range.bytes));
    this.#readback.unmap();
    const taps = tapped ? await readTaps(this.#networks, tapped) : new Map<string, Float32Array>();
    const output = {
      chunk: new Float32Array(chunk as ArrayBuffer),
      actionHorizon: new Float32Array(actions as ArrayBuffer),
      taps,
    };
    assertFinite(new Uint32Array(code as ArrayBuffer)[0] as number, input.schedule, output);
    return output;
  }

  /** Runs every segment once, on zeros. */
  async rehearse(): Promise<void> {
    const { batch, observationSteps, frameWidth, horizon, actionDim } = this.shape;
    const encoder = this.#networks.device.gpuDevice.createCommandEncoder({ label: 'rehearsal' });
    const chunk = new Float32Array(batch * horizon * actionDim);
    const input: DecisionInput = {
      observations: new Float32Array(batch * observationSteps * frameWidth),
      schedule: REHEARSAL,
      starts: Array.from({ length: batch }, () => ({ predictionScale: this.#networks.predictor ? 1 : 0, noiseScale: 0 })),
      history: chunk,
      noise: chunk,
      stepNoise: [],
    };
    const { queue } = this.#networks.device.gpuDevice;
    queue.writeBuffer(this.#inputs, 0, this.#staging, 0, this.#fillStaging(input));
    this.#plan.encode(encoder, this.#runs(input));
    queue.submit([encoder.finish()]);
    await this.#networks.device.settle(queue.onSubmittedWorkDone());
  }

  destroy(): void {
    this.#plan.destroy();
    this.#readback.destroy();
  }

  /** Writes the input into the staging array; returns how many bytes of it are to be uploaded. */
  #fillStaging(input: DecisionInput): number {
    const layout = this.#layout;
    const floats = (range: InputRange): Float32Array => new Float32Array(this.#staging, range.offset, range.bytes / 4);
    floats(layout.observations).set(input.observations);
    if (input.history) floats(layout.history).set(input.history);
    floats(layout.noise).set(input.noise);
    const scales = floats(layout.scales);
    input.starts.forEach(({ predictionScale, noiseScale }, sample) => {
      scales[2 * sample] = predictionScale;
      scales[2 * sample + 1] = noiseScale;
    });
    const view = new DataView(this.#staging, layout.steps.offset, layout.steps.bytes);
    const { steps } = input.schedule;
    steps.forEach((step, index) => {
      const coefficients = [
        step.x0FromSample, step.x0FromOutput, step.epsFromSample, step.epsFromOutput, step.fromX0, step.fromEps,
        step.fromSample, step.fromPreviousX0, step.fromNoise, step.clip ?? 0,
      ];
      const offset = index * layout.stepStride;
      coefficients.forEach((value, field) => view.setFloat32(offset + field * 4, value, true));
      // Codes fall from step to step, so that the largest one names the step that failed first.
      view.setUint32(offset + coefficients.length * 4, steps.length - index, true);
    });
    if (input.stepNoise.length === 0) return layout.steps.offset + steps.length * layout.stepStride;
    input.stepNoise.forEach((row, index) => {
      new Float32Array(this.#staging, layout.stepNoise.offset + index * layout.noiseStride, row.length).set(row);
    });
    return layout.stepNoise.offset + input.stepNoise.length * layout.noiseStride;
  }

  #runs(input: DecisionInput): SegmentRun[] {
    const { timesteps } = this.#networks.unet;
    const { stepStride, noiseStride } = this.#layout;
    const runs: SegmentRun[] = [{ segment: 'observe' }];
    if (input.starts.some((start) => start.predictionScale !== 0)) runs.push({ segment: 'predict' });
    runs.push({ segment: 'start' });
    let noiseRow = 0;
    input.schedule.steps.forEach((step, index) => {
      const offsets = this.#offsets[index] as { -readonly [K in keyof StepOffsets]: number };
      offsets.filmRow = step.timestep * timesteps.filmRowBytes;
      offsets.embeddingRow = step.timestep * timesteps.embeddingRowBytes;
      offsets.coefficients = index * stepStride;
      offsets.noise = noiseRow * noiseStride;
      if (step.fromNoise !== 0) noiseRow = Math.min(noiseRow + 1, this.shape.maxNoiseRows - 1);
      runs.push({ segment: 'evaluate', step: index, offsets });
    });
    runs.push({ segment: 'finish' });
    return runs;
  }

  async #tapBuffer(runs: readonly SegmentRun[]): Promise<TapBuffer | undefined> {
    if (this.taps.size === 0) return undefined;
    const bytes = this.#plan.tapBytes(runs);
    return new TapBuffer(await createBuffer(this.#networks.device, 'taps', bytes, USAGE.mapRead | USAGE.copyDestination));
  }
}

async function readTaps({ device }: PolicyNetworks, tapped: TapBuffer): Promise<Map<string, Float32Array>> {
  await device.settle(tapped.buffer.mapAsync(1 /* GPUMapMode.READ */));
  const values = tapped.read(tapped.buffer.getMappedRange());
  tapped.buffer.destroy();
  return values;
}

function assertFinite(code: number, schedule: Schedule, output: DecisionOutput): void {
  const { length } = schedule.steps;
  if (code === START_STATUS) {
    throw new NonFiniteError('the warm start is NaN or infinite: the predictor, or the noise it was given, is not usable. No action is returned.');
  }
  if (code !== 0) {
    const index = length - code;
    throw new NonFiniteError(
      `the U-Net's output is NaN or infinite at denoising step ${index + 1} of ${length} (timestep ${schedule.steps[index]?.timestep}). ` +
        'No action is returned: check the observation\'s range and the checkpoint.',
    );
  }
  if (!output.actionHorizon.every(Number.isFinite) || !output.chunk.every(Number.isFinite)) {
    throw new NonFiniteError('the actions are NaN or infinite after the last solver step. No action is returned.');
  }
}

/** Records all segments of a decision. */
function recordDecision(
  builder: PlanBuilder,
  networks: PolicyNetworks,
  shape: DecisionShape,
  layout: InputLayout,
): { inputs: BufferHandle; results: Results } {
  const { batch, observationSteps, frameWidth, horizon, actionDim } = shape;
  const inputs = builder.buffer('inputs', layout.bytes);
  const input = ({ offset, bytes }: InputRange): { buffer: BufferHandle; offset: number; bytes: number } => ({ buffer: inputs, offset, bytes });
  const chunk = (label: string): ReturnType<typeof tokens> => tokens(builder, label, batch, horizon, actionDim);
  const status = builder.buffer('status', 4);
  const sample = chunk('sample');
  const prediction = chunk('prediction');

  builder.segment('observe');
  const frames = tokens(builder, 'conditioning', batch, observationSteps, frameWidth);
  recordNormalize(builder, input(layout.observations), networks.observationStatistics, frames);
  tapTensor(builder, 'global_cond', frames);
  const conditioning = asTokens(frames.buffer, batch, 1, observationSteps * frameWidth);
  const observationFilm = recordObservationFilm(builder, networks.unet, conditioning);

  const { predictor } = networks;
  if (predictor !== undefined) {
    builder.segment('predict');
    if (predictor.kind === 'shift') {
      recordShiftChunk(builder, input(layout.history), predictor.rows, prediction);
    } else {
      const history = asTokens(inputs, batch, horizon, actionDim);
      const historyTokens = { ...history, layout: { ...history.layout, offset: layout.history.offset / 4 } };
      recordPredictor(builder, predictor.network, historyTokens, frames, prediction);
    }
    tapTensor(builder, 'prediction', prediction);
  }

  builder.segment('start');
  recordStart(builder, { scales: input(layout.scales), prediction, noise: input(layout.noise), sample, status });
  tapTensor(builder, 'start', sample);

  builder.segment('evaluate');
  const output = chunk('model output');
  recordUnet(builder, networks.unet, observationFilm, sample, output);
  recordSolverStep(builder, {
    steps: input(layout.steps),
    output,
    noise: { buffer: inputs, offset: layout.stepNoise.offset, bytes: batch * horizon * actionDim * 4 },
    sample,
    previousX0: builder.buffer('x0', batch * horizon * actionDim * 4),
    status,
  });
  tapTensor(builder, 'sample', sample);

  builder.segment('finish');
  const actions = builder.buffer('actions', batch * horizon * actionDim * 4);
  recordUnnormalize(builder, sample, networks.actionStatistics, actions);
  return { inputs, results: { status, chunk: sample.buffer, actions } };
}
