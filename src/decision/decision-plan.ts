import { type Schedule, usesNoise, usesThresholding } from '../diffusion/solver-step.js';
import { createBuffer, MAP_READ, USAGE } from '../runtime/buffers.js';
import { compilePlan } from '../runtime/compile-plan.js';
import type { ComputeDevice } from '../runtime/device.js';
import type { KernelProgress } from '../runtime/pipeline-cache.js';
import type { Plan, SegmentRun } from '../runtime/plan.js';
import { type BufferHandle, PlanBuilder } from '../runtime/plan-builder.js';
import { ProbeBuffer } from '../runtime/probes.js';
import type { OffsetValues } from '../runtime/step-offsets.js';
import type { PlanTiming } from '../runtime/timing.js';
import { DecisionEncoding } from './decision-encoding.js';
import { type DecisionInput, type DecisionOutput, type DecisionShape, rehearsalInput } from './decision-input.js';
import type { DecisionOffsets } from './decision-offsets.js';
import { DecisionUpload, type InputLayout, type InputRange, inputLayout } from './decision-upload.js';
import type { FramesPlan } from './frames-plan.js';
import { KnownLengths } from './known-lengths.js';
import type { PolicyNetworks } from './networks.js';
import { findNonFinite } from './non-finite.js';
import type { PendingFeatures, PendingWindow } from './pending-features.js';
import { type Encoding, type Prelude, ReadyCommands } from './ready-commands.js';
import { recordDecision } from './record-decision.js';
import { decisionRuns } from './segments.js';

const ENCODER: GPUCommandEncoderDescriptor = { label: 'decision' };
const NO_PROBES: ReadonlyMap<string, Float32Array> = new Map();

/** A buffer on the device, and where its copy lies in the read-back buffer. */
interface Result {
  readonly source: GPUBuffer;
  readonly range: InputRange;
}

/** Windows of a batch that commands of its decision make pending features for: more are made on their own. */
const MOST_JOINED_WINDOWS = 8;

/** How commands make features, and bring them to the windows that read them. Kept with the commands, so it holds no picture. */
interface FeatureCommands extends Prelude {
  readonly plans: readonly FramesPlan[];
  readonly windows: readonly PendingWindow[];
}

/** Pending features that the commands of a decision make. @internal */
export interface FeaturePrelude {
  readonly pending: PendingFeatures;
  readonly commands: FeatureCommands;
}

/** What a compiled decision consists of. */
interface DecisionParts {
  readonly networks: PolicyNetworks;
  readonly shape: DecisionShape;
  readonly probes: ReadonlySet<string>;
  readonly plan: Plan;
  readonly offsets: DecisionOffsets;
  /** New values of the plan's step offsets. */
  readonly offsetValues: () => OffsetValues;
  readonly inputs: GPUBuffer;
  readonly layout: InputLayout;
  readonly status: Result;
  readonly chunk: Result;
  readonly actions: Result;
  /** Where features that were made on the way are read back to. */
  readonly features: InputRange;
  /** The three of them. */
  readonly results: readonly Result[];
  readonly readback: GPUBuffer;
}

/**
 * The plan of a decision for one batch size. Run again and again it costs one write, one command buffer, one submit (two of each where
 * `ComputeDevice.splitsWork` and the work is large) and one read-back, and creates nothing else on the device.
 */
export class DecisionPlan {
  readonly #parts: DecisionParts;
  readonly #device: ComputeDevice;
  readonly #staged: DecisionUpload;
  /** What a dry run reads in the place of a result. */
  #zeros: ArrayBuffer | undefined;
  readonly #lengths = new KnownLengths();
  readonly #ready = new ReadyCommands<FeatureCommands>({
    runs: (schedule, predicted) => this.#runs(schedule, predicted),
    encode: (runs, prelude) => this.#encodeDecision(runs, prelude),
    later: (call) => this.#device.inLaterTurn(call),
  });

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
      bytes += size;
      return { source: plan.gpuBuffer(handle), range };
    };
    const status = result(buffers.status, buffers.status.bytes);
    const chunk = result(buffers.chunk, chunkBytes);
    const actions = result(buffers.actions, chunkBytes);
    const features = { offset: bytes, bytes: featureBytes(networks, shape) };
    bytes += features.bytes;
    try {
      const readback = await createBuffer(device, 'read-back', bytes, USAGE.mapRead | USAGE.copyDestination);
      const inputs = plan.gpuBuffer(buffers.inputs);
      const { offsets } = buffers;
      const offsetValues = (): OffsetValues => builder.offsetValues();
      const results = { status, chunk, actions, results: [status, chunk, actions], features, readback };
      return new DecisionPlan({ networks, shape, probes: wanted, plan, offsets, offsetValues, inputs, layout, ...results });
    } catch (error) {
      plan.destroy();
      throw error;
    }
  }

  get shape(): DecisionShape {
    return this.#parts.shape;
  }

  /** Whether there is something that predicts chunks. */
  get isPredicting(): boolean {
    return this.#parts.networks.predictor !== undefined;
  }

  /** Dispatches of a decision with `steps` network evaluations; `schedule`: where they are of several networks. */
  dispatchCount(steps: number, predicted: boolean, schedule?: Schedule): number {
    return this.total('dispatchCount', steps, predicted, schedule);
  }

  /** Of such a decision its dispatches, or the bytes of weights and tables that they read, image encoders left out. */
  total(of: 'dispatchCount' | 'weightBytes', steps: number, predicted: boolean, schedule?: Schedule): number {
    return decisionRuns(steps, predicted, undefined, (step) => schedule?.steps[step]?.network).reduce(
      (sum, { segment }) => sum + this.#parts.plan[of](segment),
      0,
    );
  }

  /** Whether a schedule fits into the buffers of this plan. */
  fits(schedule: Schedule): boolean {
    const { maxSteps, maxNoiseRows, thresholding = false } = this.shape;
    if (!thresholding && schedule.steps.some(usesThresholding)) return false;
    const { denoiser } = this.#parts.networks;
    if (denoiser?.knows?.(schedule) === false) return false;
    return schedule.steps.length <= maxSteps && schedule.noisySteps <= maxNoiseRows;
  }

  /**
   * What makes pending features in the commands of a decision over these windows, by their arrays; undefined where they have to be made
   * before it.
   */
  prelude(pending: PendingFeatures, windows: readonly Float32Array[]): FeaturePrelude | undefined {
    if (!pending.canJoin || windows.length > MOST_JOINED_WINDOWS || pending.bytes > this.#parts.features.bytes) return undefined;
    const waiting = windows.map((window) => pending.of(window));
    return { pending, commands: { key: pending.key(waiting), plans: pending.plans, windows: waiting } };
  }

  /**
   * Decides. Calls must not overlap. Where the network, or the start, is NaN or infinite, that is a failure of its sample.
   * `use` makes the result of the output, as soon as that is there. `prelude`: features that are made on the way; then they are known.
   * @throws DeviceLostError, at once or as a rejection; NonFiniteError for such features that are not finite.
   */
  run(input: DecisionInput): Promise<DecisionOutput>;
  run<T>(input: DecisionInput, use: (output: DecisionOutput) => T | Promise<T>, prelude?: FeaturePrelude): Promise<T>;
  run(
    input: DecisionInput,
    use: (output: DecisionOutput) => unknown = (output) => output,
    prelude: FeaturePrelude | undefined = undefined,
  ): Promise<unknown> {
    if (this.#parts.probes.size > 0) return this.#runProbed(input, prelude).then(use);
    const { schedule } = input;
    this.#submit(input, this.#ready.take(schedule, isPredicted(input), prelude?.commands), prelude);
    const submittedMs = performance.now();
    this.#ready.submitted();
    return this.#device.settle(this.#parts.readback.mapAsync(MAP_READ), () => {
      this.#lengths.note(schedule, performance.now() - submittedMs);
      const output = this.#read(schedule, prelude);
      this.#ready.handedOut();
      return use(output);
    });
  }

  /**
   * As `run`, for a decision that nobody sees: whatever takes part is then warm for one that follows within milliseconds. Decisions of its schedule must
   * be known to take `withinMs` on the device at most; `dryRun` in its place where those until now were too few, or longer. Undefined: the same, but the
   * commands are there.
   */
  rehearse<T>(input: DecisionInput, withinMs: number | undefined, use: (output: DecisionOutput) => T | Promise<T>): Promise<T> {
    const { schedule } = input;
    if (withinMs === undefined) return this.#dry(input, use);
    if (this.#parts.probes.size > 0 || !this.#lengths.isWithin(schedule, withinMs)) return this.dryRun(input, use);
    const predicted = isPredicted(input);
    if (!this.#ready.rehearse(schedule, predicted)) return this.#dry(input, use);
    this.#submit(input, this.#ready.take(schedule, predicted), undefined);
    // While the device works: those of the decision that this is for.
    this.#ready.rehearse(schedule, predicted);
    return this.#device.settle(this.#parts.readback.mapAsync(MAP_READ), () => use(this.#read(schedule, undefined)));
  }

  /**
   * What `run` does on the host, so that it is in the caches when it counts, and the commands that it will submit where it has no prelude; of the device
   * nothing is asked. `use` is given zeros.
   */
  dryRun<T>(input: DecisionInput, use: (output: DecisionOutput) => T | Promise<T>): Promise<T> {
    const { schedule } = input;
    if (this.#parts.probes.size === 0) this.#ready.prepare(schedule, isPredicted(input));
    return this.#dry(input, use);
  }

  #dry<T>(input: DecisionInput, use: (output: DecisionOutput) => T | Promise<T>): Promise<T> {
    this.#staged.fill(input);
    this.#zeros ??= new ArrayBuffer(this.#parts.readback.size);
    return Promise.resolve(use(this.#copied(this.#zeros, input.schedule)));
  }

  async #runProbed(input: DecisionInput, prelude: FeaturePrelude | undefined): Promise<DecisionOutput> {
    const runs = this.#runs(input.schedule, isPredicted(input));
    const probed = await this.#probeBuffer(runs);
    const encoder = this.#encoder();
    if (prelude) this.#encodeFeatures(encoder, prelude.commands);
    this.#parts.plan.encode(encoder, runs, probed);
    this.#submit(input, this.#finish(encoder, prelude?.commands), prelude);
    await this.#device.settle(this.#parts.readback.mapAsync(MAP_READ));
    const output = this.#read(input.schedule, prelude);
    return { ...output, probes: await this.#readProbes(probed) };
  }

  #submit(input: DecisionInput, commands: GPUCommandBuffer, prelude: FeaturePrelude | undefined): void {
    this.#upload(input);
    prelude?.pending.upload();
    this.#device.submit(commands);
  }

  /** Copies the result out of the mapped buffer. */
  #read(schedule: Schedule, prelude: FeaturePrelude | undefined): DecisionOutput {
    const { readback, features } = this.#parts;
    const mapped = readback.getMappedRange();
    const output = this.#copied(mapped, schedule);
    try {
      prelude?.pending.settle(mapped, features.offset);
    } finally {
      readback.unmap();
    }
    return output;
  }

  /** What is NaN or infinite is looked for before the codes are unmapped. */
  #copied(mapped: ArrayBuffer, schedule: Schedule): DecisionOutput {
    const { status, chunk, actions } = this.#parts;
    const codes = new Uint32Array(mapped, status.range.offset, this.shape.batch);
    const normalizedChunk = copyOf(mapped, chunk.range);
    const inUnits = copyOf(mapped, actions.range);
    const failures = findNonFinite(codes, schedule, normalizedChunk, inUnits);
    return { normalizedChunk, chunk: inUnits, failures, probes: NO_PROBES };
  }

  /** Decides as `run` does, and returns how long every dispatch took instead of what was decided. */
  async time(input: DecisionInput): Promise<PlanTiming> {
    const { timeRuns } = await import('../runtime/timing.js');
    this.#upload(input);
    const { plan, status } = this.#parts;
    const predicted = isPredicted(input);
    const clear = (encoder: GPUCommandEncoder): void => encoder.clearBuffer(status.source);
    return timeRuns(plan, this.#runs(input.schedule, predicted), clear);
  }

  /**
   * Runs every segment once, on zeros: some drivers compile a kernel when it first runs. `onKernel` is told of each that
   * has run; the work is handed over kernel by kernel, without waiting in between.
   */
  async runEachKernel(onKernel: (progress: KernelProgress) => void = () => {}): Promise<void> {
    const { denoiser, predictor } = this.#parts.networks;
    const input = rehearsalInput(this.shape, predictor !== undefined, denoiser?.rehearsed);
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

  /** Keeps no commands ready any more, until there are further decisions. */
  forget(): void {
    this.#ready.clear();
  }

  /** Encodes the commands of a decision like this one, for the first that comes. */
  expect(input: DecisionInput): void {
    // On the way of that decision, and the host's copy is of no decision before it.
    this.#staged.fill(input);
    if (this.#parts.probes.size === 0) this.#ready.expect(input.schedule, isPredicted(input));
  }

  destroy(): void {
    this.#ready.clear();
    this.#parts.plan.destroy();
    this.#parts.readback.destroy();
  }

  /** The commands of a decision, read-back included, one run after the other. */
  #encodeDecision(runs: readonly SegmentRun[], prelude: FeatureCommands | undefined): Encoding {
    const encoder = this.#encoder();
    if (prelude) this.#encodeFeatures(encoder, prelude);
    return new DecisionEncoding(this.#parts.plan, encoder, runs, prelude, this.#finish);
  }

  /** Features are made, and go where they would have been uploaded to. */
  #encodeFeatures(encoder: GPUCommandEncoder, { plans, windows }: FeatureCommands): void {
    const { inputs, layout, shape } = this.#parts;
    for (const plan of plans) plan.encode(encoder);
    windows.forEach(({ copies }, sample) => {
      for (const { source, sourceOffset, part, offset, bytes } of copies) {
        // Of a plan whose start reads none: a network with starts of its own runs beside the policy's predictor.
        if (layout[part].bytes === 0) continue;
        const share = layout[part].bytes / shape.batch;
        encoder.copyBufferToBuffer(source, sourceOffset, inputs, layout[part].offset + sample * share + offset, bytes);
      }
    });
  }

  #encoder(): GPUCommandEncoder {
    const encoder = this.#device.gpuDevice.createCommandEncoder(ENCODER);
    encoder.clearBuffer(this.#parts.status.source);
    return encoder;
  }

  readonly #finish = (encoder: GPUCommandEncoder, prelude: FeatureCommands | undefined): GPUCommandBuffer => {
    const { results, features, readback } = this.#parts;
    for (const { source, range } of results) encoder.copyBufferToBuffer(source, 0, readback, range.offset, range.bytes);
    if (prelude) {
      let end = features.offset;
      for (const { buffer, bytes } of prelude.plans.flatMap(({ outputs }) => outputs)) {
        encoder.copyBufferToBuffer(buffer, 0, readback, end, bytes);
        end += bytes;
      }
    }
    return encoder.finish();
  };

  #upload(input: DecisionInput): void {
    this.#device.assertUsable();
    this.#device.gpuDevice.queue.writeBuffer(this.#parts.inputs, 0, this.#staged.bytes, 0, this.#staged.fill(input));
  }

  #runs({ steps }: Schedule, predicted: boolean): SegmentRun[] {
    const { offsets, offsetValues, shape } = this.#parts;
    let noiseRow = 0;
    const offsetsOf = (step: number): OffsetValues => {
      const one = steps[step] as Schedule['steps'][number];
      const values = offsetValues();
      offsets.choose(values, { index: step, step: one, noiseRow });
      // A step without noise still needs an offset within the buffer.
      if (usesNoise(one)) noiseRow = Math.min(noiseRow + 1, Math.max(0, shape.maxNoiseRows - 1));
      return values;
    };
    return decisionRuns(steps.length, predicted, offsetsOf, (step) => steps[step]?.network);
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

function copyOf(mapped: ArrayBuffer, { offset, bytes }: InputRange): Float32Array {
  return new Float32Array(mapped.slice(offset, offset + bytes));
}

/** Room for the features of all frames of a batch. */
function featureBytes({ images }: PolicyNetworks, { batch, observationSteps }: DecisionShape): number {
  if (!images) return 0;
  const each = images.networks.reduce((sum, { features }) => sum + features, 0);
  return batch * observationSteps * images.cameras * each * 4;
}

function isPredicted({ starts }: DecisionInput): boolean {
  for (let sample = 0; sample < starts.length; sample++) if (starts[sample]?.predictionScale !== 0) return true;
  return false;
}
