import { START_STATUS } from '../../kernels/sampling/start.wgsl.js';
import { makeSchedule, type Schedule } from '../diffusion/solver-step.js';
import { NonFiniteError } from '../foundation/errors.js';
import { alignUp, createBuffer, OFFSET_ALIGNMENT, USAGE } from '../runtime/buffers.js';
import type { ComputeDevice } from '../runtime/device.js';
import { ExpectedWait } from '../runtime/expected-wait.js';
import type { KernelProgress } from '../runtime/pipeline-cache.js';
import { compilePlan, type Plan, type SegmentRun, type StepOffsets, TapBuffer } from '../runtime/plan.js';
import { type BufferHandle, PlanBuilder } from '../runtime/plan-builder.js';
import { type PlanTiming, timeRuns } from '../runtime/timing.js';
import type { DecisionInput, DecisionOutput } from './decision-input.js';
import { DecisionStaging } from './decision-staging.js';
import { type DecisionShape, type InputLayout, type InputRange, inputLayout } from './input-layout.js';
import type { PolicyNetworks } from './networks.js';
import { recordDecision } from './record-decision.js';

/** GPUMapMode.READ; the global is not there in every runtime. */
const MAP_READ = 1;

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

/** A buffer on the device, and where its copy lies in the read-back buffer. */
interface Result {
  readonly source: GPUBuffer;
  readonly range: InputRange;
}

/** What a compiled decision consists of. */
interface DecisionParts {
  readonly networks: PolicyNetworks;
  readonly shape: DecisionShape;
  readonly taps: ReadonlySet<string>;
  readonly layout: InputLayout;
  readonly plan: Plan;
  readonly inputs: GPUBuffer;
  readonly status: Result;
  readonly chunk: Result;
  readonly actions: Result;
  readonly readback: GPUBuffer;
}

/**
 * The plan of a decision for one batch size. Run again and again it costs one write, one command buffer, one submit and
 * one read-back, and creates nothing else on the device.
 */
export class DecisionPlan {
  readonly #parts: DecisionParts;
  readonly #device: ComputeDevice;
  readonly #staging: DecisionStaging;
  /**
   * Commands for a decision like the last one, encoded while the device was busy with that: encoding takes as long as a
   * large GPU computes, and a control loop asks for the same decision every time. A command buffer can be used once.
   */
  #ahead: { readonly schedule: Schedule; readonly predicted: boolean; readonly commands: GPUCommandBuffer } | undefined;
  /** By number of dispatches. */
  readonly #waits = new Map<number, ExpectedWait>();
  // Reused by every decision; their values follow from its schedule.
  readonly #offsets: { -readonly [K in keyof StepOffsets]: number }[];

  private constructor(parts: DecisionParts) {
    this.#parts = parts;
    this.#device = parts.networks.device;
    this.#staging = new DecisionStaging(parts.layout);
    this.#offsets = Array.from({ length: parts.shape.maxSteps }, () => ({ filmRow: 0, embeddingRow: 0, coefficients: 0, noise: 0 }));
  }

  /** @throws DeviceLimitError, ShaderError. */
  static async compile(networks: PolicyNetworks, shape: DecisionShape, taps: Iterable<string> = []): Promise<DecisionPlan> {
    const wanted = new Set(taps);
    const layout = inputLayout(shape);
    const { device } = networks;
    const builder = new PlanBuilder(device, wanted);
    const buffers = recordDecision(builder, networks, shape, layout);
    const plan = await compilePlan(device, builder);
    let bytes = 0;
    const { chunkBytes } = buffers;
    const result = (handle: BufferHandle, size: number): Result => {
      const range = { offset: bytes, bytes: size };
      bytes += alignUp(size, OFFSET_ALIGNMENT);
      return { source: plan.gpuBuffer(handle), range };
    };
    const status = result(buffers.status, buffers.status.bytes);
    const chunk = result(buffers.chunk, chunkBytes);
    const actions = result(buffers.actions, chunkBytes);
    try {
      const readback = await createBuffer(device, 'read-back', bytes, USAGE.mapRead | USAGE.copyDestination);
      const inputs = plan.gpuBuffer(buffers.inputs);
      return new DecisionPlan({ networks, shape, taps: wanted, layout, plan, inputs, status, chunk, actions, readback });
    } catch (error) {
      plan.destroy();
      throw error;
    }
  }

  get shape(): DecisionShape {
    return this.#parts.shape;
  }

  /** Dispatches of a decision with `steps` network evaluations. */
  dispatchCount(steps: number, predicted: boolean): number {
    const count = (segment: string): number => this.#parts.plan.dispatchCount(segment);
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
    const { status, chunk, actions, readback, taps: wantedTaps } = this.#parts;
    const { schedule } = input;
    const predicted = isPredicted(input);
    const tapped = wantedTaps.size === 0 ? undefined : await this.#tapBuffer(this.#runs(schedule, predicted));
    const commands = this.#takeAhead(schedule, predicted) ?? this.#encodeDecision(schedule, predicted, tapped);
    this.#upload(input);
    const submitted = performance.now();
    this.#device.gpuDevice.queue.submit([commands]);

    if (!tapped) this.#ahead = { schedule, predicted, commands: this.#encodeDecision(schedule, predicted) };
    const map = (): Promise<undefined> => this.#device.settle(readback.mapAsync(MAP_READ));
    await (this.#device.isPolled ? this.#expectedWait(schedule, predicted).run(submitted, map) : map());
    const mapped = readback.getMappedRange();
    const copy = ({ range }: Result): ArrayBuffer => mapped.slice(range.offset, range.offset + range.bytes);
    const [code = 0] = new Uint32Array(copy(status));
    const output = { normalizedChunk: new Float32Array(copy(chunk)), chunk: new Float32Array(copy(actions)) };
    readback.unmap();

    const taps = tapped ? await this.#readTaps(tapped) : new Map<string, Float32Array>();
    assertFinite(code, schedule, output);
    return { ...output, taps };
  }

  /** Decides as `run` does, and returns how long every dispatch took instead of what was decided. */
  time(input: DecisionInput): Promise<PlanTiming> {
    this.#upload(input);
    const { plan, status } = this.#parts;
    const predicted = isPredicted(input);
    const clear = (encoder: GPUCommandEncoder): void => encoder.clearBuffer(status.source);
    return timeRuns(plan, this.#runs(input.schedule, predicted), clear, this.#expectedWait(input.schedule, predicted));
  }

  /**
   * Runs every segment once, on zeros: some drivers compile a kernel when it first runs. `onKernel` is told of each that
   * has run; the work is handed over kernel by kernel, without waiting in between.
   */
  async rehearse(onKernel: (progress: KernelProgress) => void = () => {}): Promise<void> {
    const { batch, observationSteps, frameWidth, horizon, actionDim } = this.shape;
    const zeros = new Float32Array(batch * horizon * actionDim);
    const input: DecisionInput = {
      observations: new Float32Array(batch * observationSteps * frameWidth),
      schedule: REHEARSAL,
      starts: Array.from({ length: batch }, () => ({ predictionScale: this.#parts.networks.predictor ? 1 : 0, noiseScale: 0 })),
      history: zeros,
      noise: zeros,
      stepNoise: [],
    };
    const { gpuDevice } = this.#device;
    const { queue } = gpuDevice;
    const { plan, status } = this.#parts;
    const parts: { readonly kernel: string; readonly encoder: GPUCommandEncoder }[] = [];
    plan.encodeByKernel(this.#runs(input.schedule, isPredicted(input)), (kernel) => {
      const encoder = gpuDevice.createCommandEncoder({ label: `first run of ${kernel}` });
      if (parts.length === 0) encoder.clearBuffer(status.source);
      parts.push({ kernel, encoder });
      return encoder;
    });
    this.#upload(input);
    const done = parts.map(async ({ kernel, encoder }, index) => {
      queue.submit([encoder.finish()]);
      await queue.onSubmittedWorkDone();
      onKernel({ kernel, done: index + 1, total: parts.length });
    });
    await this.#device.settle(Promise.all(done));
  }

  destroy(): void {
    this.#parts.plan.destroy();
    this.#parts.readback.destroy();
  }

  /** The commands of a decision, read-back included. They hold nothing of its input. */
  #encodeDecision(schedule: Schedule, predicted: boolean, tapped?: TapBuffer): GPUCommandBuffer {
    const { status, chunk, actions, readback } = this.#parts;
    const encoder = this.#encode(this.#runs(schedule, predicted), tapped);
    for (const { source, range } of [status, chunk, actions]) {
      encoder.copyBufferToBuffer(source, 0, readback, range.offset, range.bytes);
    }
    return encoder.finish();
  }

  /** What was encoded while the last decision ran, where this one has the same commands. */
  #takeAhead(schedule: Schedule, predicted: boolean): GPUCommandBuffer | undefined {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    return ahead?.schedule === schedule && ahead.predicted === predicted ? ahead.commands : undefined;
  }

  /** Decisions of as many dispatches take as long. */
  #expectedWait(schedule: Schedule, predicted: boolean): ExpectedWait {
    const dispatches = this.dispatchCount(schedule.steps.length, predicted);
    const known = this.#waits.get(dispatches) ?? new ExpectedWait();
    this.#waits.set(dispatches, known);
    return known;
  }

  #encode(runs: readonly SegmentRun[], tapped?: TapBuffer): GPUCommandEncoder {
    const { plan, status } = this.#parts;
    const encoder = this.#device.gpuDevice.createCommandEncoder({ label: 'decision' });
    encoder.clearBuffer(status.source);
    plan.encode(encoder, runs, tapped);
    return encoder;
  }

  #upload(input: DecisionInput): void {
    this.#device.assertUsable();
    this.#device.gpuDevice.queue.writeBuffer(this.#parts.inputs, 0, this.#staging.bytes, 0, this.#staging.fill(input));
  }

  #runs(schedule: Schedule, predicted: boolean): SegmentRun[] {
    const { networks, layout, shape } = this.#parts;
    const { timesteps } = networks.unet;
    const runs: SegmentRun[] = [{ segment: 'observe' }];
    if (predicted) runs.push({ segment: 'predict' });
    runs.push({ segment: 'start' });
    let noiseRow = 0;
    this.#offsets.slice(0, schedule.steps.length).forEach((offsets, index) => {
      const { timestep, fromNoise } = schedule.steps[index] as Schedule['steps'][number];
      offsets.filmRow = timestep * timesteps.filmRowBytes;
      offsets.embeddingRow = timestep * timesteps.embeddingRowBytes;
      offsets.coefficients = index * layout.stepStride;
      offsets.noise = noiseRow * layout.noiseStride;
      // A step without noise still needs an offset within the buffer.
      if (fromNoise !== 0) noiseRow = Math.min(noiseRow + 1, shape.maxNoiseRows - 1);
      runs.push({ segment: 'evaluate', step: index, offsets });
    });
    runs.push({ segment: 'finish' });
    return runs;
  }

  async #tapBuffer(runs: readonly SegmentRun[]): Promise<TapBuffer> {
    const bytes = this.#parts.plan.tapBytes(runs);
    return new TapBuffer(await createBuffer(this.#device, 'taps', bytes, USAGE.mapRead | USAGE.copyDestination));
  }

  async #readTaps(tapped: TapBuffer): Promise<Map<string, Float32Array>> {
    await this.#device.settle(tapped.buffer.mapAsync(MAP_READ));
    const values = tapped.read(tapped.buffer.getMappedRange());
    tapped.buffer.destroy();
    return values;
  }
}

function isPredicted({ starts }: DecisionInput): boolean {
  return starts.some((start) => start.predictionScale !== 0);
}

function assertFinite(code: number, schedule: Schedule, output: Omit<DecisionOutput, 'taps'>): void {
  if (code === START_STATUS) {
    throw new NonFiniteError(
      'the start of the decision is NaN or infinite: the predictor is not usable for this observation. No action is returned.',
    );
  }
  if (code !== 0) {
    const { length } = schedule.steps;
    const index = length - code;
    throw new NonFiniteError(
      `the U-Net's output is NaN or infinite at denoising step ${index + 1} of ${length} (timestep ${schedule.steps[index]?.timestep}). ` +
        "No action is returned: check the observation's range and the checkpoint.",
    );
  }
  if (!output.chunk.every(Number.isFinite) || !output.normalizedChunk.every(Number.isFinite)) {
    throw new NonFiniteError('the actions are NaN or infinite after the last solver step. No action is returned.');
  }
}
