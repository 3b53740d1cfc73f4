import { type Schedule, usesThresholding } from '../diffusion/solver-step.js';
import { alignUp, createBuffer, OFFSET_ALIGNMENT, USAGE } from '../runtime/buffers.js';
import { compilePlan } from '../runtime/compile-plan.js';
import type { ComputeDevice } from '../runtime/device.js';
import { ExpectedWait } from '../runtime/expected-wait.js';
import type { KernelProgress } from '../runtime/pipeline-cache.js';
import type { Plan, SegmentRun } from '../runtime/plan.js';
import { type BufferHandle, PlanBuilder } from '../runtime/plan-builder.js';
import { ProbeBuffer } from '../runtime/probes.js';
import type { OffsetValues } from '../runtime/step-offsets.js';
import { type PlanTiming, timeRuns } from '../runtime/timing.js';
import { type DecisionInput, type DecisionOutput, type DecisionShape, rehearsalInput } from './decision-input.js';
import type { DecisionOffsets } from './decision-offsets.js';
import { DecisionUpload, type InputRange, inputLayout } from './decision-upload.js';
import type { PolicyNetworks } from './networks.js';
import { findNonFinite } from './non-finite.js';
import { recordDecision } from './record-decision.js';
import { decisionRuns } from './segments.js';

/** GPUMapMode.READ; the global is not there in every runtime. */
const MAP_READ = 1;

/** A buffer on the device, and where its copy lies in the read-back buffer. */
interface Result {
  readonly source: GPUBuffer;
  readonly range: InputRange;
}

/** What a compiled decision consists of. */
interface DecisionParts {
  readonly networks: PolicyNetworks;
  readonly shape: DecisionShape;
  readonly probes: ReadonlySet<string>;
  readonly plan: Plan;
  readonly offsets: DecisionOffsets;
  /** One for each denoising step that fits; reused by every decision. */
  readonly stepValues: readonly OffsetValues[];
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
  readonly #staged: DecisionUpload;
  /**
   * Commands for a decision like the last one, encoded while the device was busy with that: encoding takes as long as a
   * large GPU computes, and a control loop asks for the same decision every time. A command buffer can be used once.
   */
  #ahead: { readonly schedule: Schedule; readonly predicted: boolean; readonly commands: GPUCommandBuffer } | undefined;
  /** By number of dispatches. */
  readonly #waits = new Map<number, ExpectedWait>();

  private constructor(parts: DecisionParts) {
    this.#parts = parts;
    this.#device = parts.networks.device;
    this.#staged = new DecisionUpload(parts.shape);
  }

  /** @throws DeviceLimitError, ShaderError. */
  static async compile(networks: PolicyNetworks, shape: DecisionShape, probes: Iterable<string> = []): Promise<DecisionPlan> {
    const wanted = new Set(probes);
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
      const { offsets } = buffers;
      const stepValues = Array.from({ length: shape.maxSteps }, () => builder.offsetValues());
      const results = { status, chunk, actions, readback };
      return new DecisionPlan({ networks, shape, probes: wanted, plan, offsets, stepValues, inputs, ...results });
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
    return decisionRuns(steps, predicted).reduce((sum, { segment }) => sum + this.#parts.plan.dispatchCount(segment), 0);
  }

  /** Whether a schedule fits into the buffers of this plan. */
  fits(schedule: Schedule): boolean {
    const { maxSteps, maxNoiseRows, thresholding = false } = this.shape;
    if (!thresholding && schedule.steps.some(usesThresholding)) return false;
    return schedule.steps.length <= maxSteps && schedule.noisySteps <= maxNoiseRows;
  }

  /**
   * Decides. Calls must not overlap. Where the network, or the start, is NaN or infinite, that is a failure of its sample.
   * @throws DeviceLostError.
   */
  async run(input: DecisionInput): Promise<DecisionOutput> {
    const { status, chunk, actions, readback, probes: wantedProbes } = this.#parts;
    const { schedule } = input;
    const predicted = isPredicted(input);
    const probed = wantedProbes.size === 0 ? undefined : await this.#probeBuffer(this.#runs(schedule, predicted));
    const commands = this.#takeAhead(schedule, predicted) ?? this.#encodeDecision(schedule, predicted, probed);
    this.#upload(input);
    const submitted = performance.now();
    this.#device.gpuDevice.queue.submit([commands]);

    if (!probed) this.#ahead = { schedule, predicted, commands: this.#encodeDecision(schedule, predicted) };
    const map = (): Promise<undefined> => this.#device.settle(readback.mapAsync(MAP_READ));
    await (this.#device.isPolled ? this.#expectedWait(schedule, predicted).run(submitted, map) : map());
    const mapped = readback.getMappedRange();
    const copy = ({ range }: Result): ArrayBuffer => mapped.slice(range.offset, range.offset + range.bytes);
    const codes = new Uint32Array(copy(status));
    const output = { normalizedChunk: new Float32Array(copy(chunk)), chunk: new Float32Array(copy(actions)) };
    readback.unmap();

    const probes = probed ? await this.#readProbes(probed) : new Map<string, Float32Array>();
    return { ...output, failures: findNonFinite(codes, schedule, output), probes };
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
    const input = rehearsalInput(this.shape, this.#parts.networks.predictor !== undefined);
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
  #encodeDecision(schedule: Schedule, predicted: boolean, probed?: ProbeBuffer): GPUCommandBuffer {
    const { status, chunk, actions, readback } = this.#parts;
    const encoder = this.#encode(this.#runs(schedule, predicted), probed);
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

  #encode(runs: readonly SegmentRun[], probed?: ProbeBuffer): GPUCommandEncoder {
    const { plan, status } = this.#parts;
    const encoder = this.#device.gpuDevice.createCommandEncoder({ label: 'decision' });
    encoder.clearBuffer(status.source);
    plan.encode(encoder, runs, probed);
    return encoder;
  }

  #upload(input: DecisionInput): void {
    this.#device.assertUsable();
    this.#device.gpuDevice.queue.writeBuffer(this.#parts.inputs, 0, this.#staged.bytes, 0, this.#staged.fill(input));
  }

  #runs({ steps }: Schedule, predicted: boolean): SegmentRun[] {
    const { offsets, stepValues, shape } = this.#parts;
    let noiseRow = 0;
    return decisionRuns(steps.length, predicted, (step) => {
      const { timestep, fromNoise } = steps[step] as Schedule['steps'][number];
      const values = stepValues[step] as OffsetValues;
      offsets.choose(values, { step, timestep, noiseRow });
      // A step without noise still needs an offset within the buffer.
      if (fromNoise !== 0) noiseRow = Math.min(noiseRow + 1, Math.max(0, shape.maxNoiseRows - 1));
      return values;
    });
  }

  async #probeBuffer(runs: readonly SegmentRun[]): Promise<ProbeBuffer> {
    const bytes = this.#parts.plan.probeBytes(runs);
    return new ProbeBuffer(await createBuffer(this.#device, 'probes', bytes, USAGE.mapRead | USAGE.copyDestination));
  }

  async #readProbes(probed: ProbeBuffer): Promise<Map<string, Float32Array>> {
    await this.#device.settle(probed.buffer.mapAsync(MAP_READ));
    const values = probed.read(probed.buffer.getMappedRange());
    probed.buffer.destroy();
    return values;
  }
}

function isPredicted({ starts }: DecisionInput): boolean {
  return starts.some((start) => start.predictionScale !== 0);
}
