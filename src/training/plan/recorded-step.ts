import { STEP_BYTES } from '../../../kernels/lib/step-scalars.js';
import { DeviceLostError, OptionError } from '../../foundation/errors.js';
import { RESULT_BYTES, recordStepResult, recordUpdate } from '../../ops/backward/optimizer.js';
import { createBuffer, MAP_READ, USAGE } from '../../runtime/buffers.js';
import { compilePlan } from '../../runtime/compile-plan.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { Plan } from '../../runtime/plan.js';
import { type BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import { ProbeBuffer } from '../../runtime/probes.js';
import type { StepMetrics, UpdateScalars } from '../training-step.js';
import type { BoundParameters, ParameterStore } from './parameter-store.js';
import { STEP_BASE, stepUniform } from './step-scalars.js';

/** Probe of all losses, before they are added up. */
export const LOSSES_PROBE = 'losses';

/** What a network records its passes with. */
export interface StepRecorder {
  readonly builder: PlanBuilder;
  readonly parameters: BoundParameters;
  /** Uniform of step scalars. */
  readonly step: BufferHandle;
  /** f32: the loss of each sample, or parts of it, without the mean's division; their sum is the loss. */
  readonly losses: BufferHandle;
  /** What a step uploads: f32, in one write. */
  readonly batch: BufferHandle;
}

export interface RecordedStepOptions {
  readonly batchSize: number;
  /** Losses that are added up. Default: one for each sample. */
  readonly lossCount?: number;
  /** Words of f32 that a step uploads. */
  readonly batchWords: number;
  /** Inner values that `probe` hands out. */
  readonly probes?: Iterable<string>;
}

/** What a step says of itself. */
export interface RecordedStepMetrics extends StepMetrics {
  readonly clipFactor: number;
}

/** Values that decide how a step is replayed. */
export interface StepCall {
  readonly update: UpdateScalars | null;
  readonly accumulate: boolean;
  /** 1 / N, N the elements that count in the loss. */
  readonly inverseCount: number;
}

/**
 * A training step as a plan: segments `forward` and `backward` by the network, `result` (loss, norm, clip factor) and `update` (optimiser,
 * with or without moving average) by this class, all replayed in one submit. Nothing comes back unless it is asked for.
 */
export class RecordedStep {
  readonly #device: ComputeDevice;
  readonly #store: ParameterStore;
  readonly #plan: Plan;
  readonly #recorder: StepRecorder;
  readonly #result: BufferHandle;
  readonly #activationBytes: number;
  #ran = false;
  #disposed = false;

  private constructor(device: ComputeDevice, store: ParameterStore, plan: Plan, recorder: StepRecorder, result: BufferHandle) {
    this.#device = device;
    this.#store = store;
    this.#plan = plan;
    this.#recorder = recorder;
    this.#result = result;
    this.#activationBytes = recorder.builder.buffers.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** `record` records the network into the segments `forward` and `backward`, which it opens itself. */
  static async compile(
    device: ComputeDevice,
    store: ParameterStore,
    { batchSize, lossCount = batchSize, batchWords, probes = [] }: RecordedStepOptions,
    record: (recorder: StepRecorder) => void,
  ): Promise<RecordedStep> {
    const builder = new PlanBuilder(device, probes);
    const recorder: StepRecorder = {
      builder,
      parameters: store.bind(builder),
      step: builder.buffer('step scalars', STEP_BYTES),
      losses: builder.buffer('losses', lossCount * 4),
      batch: builder.buffer('batch', batchWords * 4),
    };
    record(recorder);
    const result = builder.buffer('step result', RESULT_BYTES);
    const { arenas } = recorder.parameters;
    builder.segment('result');
    recordStepResult(builder, arenas, recorder.losses, lossCount, recorder.step, result);
    if (builder.wantsProbe(LOSSES_PROBE)) builder.probe(LOSSES_PROBE, recorder.losses, [{ offset: 0, bytes: lossCount * 4 }]);
    for (const ema of store.hasEma ? [false, true] : [false]) {
      builder.segment(updateSegment(ema));
      recordUpdate(builder, arenas, recorder.step, result, ema);
    }
    return new RecordedStep(device, store, await compilePlan(device, builder), recorder, result);
  }

  /** Bytes on the device by purpose. */
  get memory(): Record<string, number> {
    return { ...this.#store.memory, activations: this.#activationBytes };
  }

  get plan(): Plan {
    return this.#plan;
  }

  /** Segments of one step, in order. */
  segments(update: UpdateScalars | null): string[] {
    if (update && update.emaDecay !== null && !this.#store.hasEma) {
      throw new OptionError(
        'update.emaDecay: expected null, this network was compiled without a moving average: compile it with ema: true.',
      );
    }
    return ['forward', 'backward', 'result', ...(update ? [updateSegment(update.emaDecay !== null)] : [])];
  }

  /** One write, one submit. */
  run(batch: Float32Array<ArrayBuffer>, call: StepCall): void {
    const segments = this.#upload(batch, call);
    const encoder = this.#device.gpuDevice.createCommandEncoder({ label: 'training step' });
    this.#plan.encode(
      encoder,
      segments.map((segment) => ({ segment })),
    );
    this.#device.gpuDevice.queue.submit([encoder.finish()]);
    this.#ran = true;
  }

  /** As `run`, and hands out the probes of the plan by name. */
  async runProbed(batch: Float32Array<ArrayBuffer>, call: StepCall): Promise<Map<string, Float32Array>> {
    const runs = this.#upload(batch, call).map((segment) => ({ segment }));
    const bytes = this.#plan.probeBytes(runs);
    const device = this.#device;
    const copies = await createBuffer(device, 'probes of a training step', bytes, USAGE.mapRead | USAGE.copyDestination);
    try {
      const probed = new ProbeBuffer(copies);
      const encoder = device.gpuDevice.createCommandEncoder({ label: 'probed training step' });
      this.#plan.encode(encoder, runs, probed);
      device.gpuDevice.queue.submit([encoder.finish()]);
      this.#ran = true;
      await device.settle(copies.mapAsync(MAP_READ));
      return probed.read(copies.getMappedRange());
    } finally {
      copies.destroy();
    }
  }

  /**
   * Of the newest run: loss, norm of all gradients, and the factor that they were clipped by. The copy is submitted at once, so it is of the
   * newest run whatever is submitted while it is waited for.
   */
  async metrics(): Promise<RecordedStepMetrics> {
    this.#assertAlive();
    if (!this.#ran) throw new OptionError('there are no metrics before the first run of a training step: call run() first.');
    const { gpuDevice } = this.#device;
    const readback = gpuDevice.createBuffer({ label: 'metrics', size: RESULT_BYTES, usage: USAGE.mapRead | USAGE.copyDestination });
    try {
      const encoder = gpuDevice.createCommandEncoder({ label: 'read metrics' });
      encoder.copyBufferToBuffer(this.#plan.gpuBuffer(this.#result), 0, readback, 0, RESULT_BYTES);
      gpuDevice.queue.submit([encoder.finish()]);
      await this.#device.settle(readback.mapAsync(MAP_READ));
      const [loss = NaN, gradientNorm = NaN, clipFactor = NaN, , low = 0, high = 0] = new Float32Array(readback.getMappedRange());
      return { loss, gradientNorm, clipFactor, refusedStep: high * STEP_BASE + low || null };
    } finally {
      readback.destroy();
    }
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#plan.destroy();
    this.#store.destroy();
  }

  #upload(batch: Float32Array<ArrayBuffer>, { update, accumulate, inverseCount }: StepCall): string[] {
    this.#assertAlive();
    const segments = this.segments(update);
    const uniform = stepUniform(update, inverseCount, accumulate);
    const { queue } = this.#device.gpuDevice;
    queue.writeBuffer(this.#plan.gpuBuffer(this.#recorder.step), 0, uniform);
    queue.writeBuffer(this.#plan.gpuBuffer(this.#recorder.batch), 0, batch);
    return segments;
  }

  #assertAlive(): void {
    if (this.#disposed) throw new DeviceLostError('this training step was disposed of: compile the network again.');
    this.#device.assertUsable();
  }
}

function updateSegment(ema: boolean): string {
  return ema ? 'update with moving average' : 'update';
}
