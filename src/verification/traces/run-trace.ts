import { STEP_UNIFORM_BYTES } from '../../../kernels/sampling/solver-update.wgsl.js';
import { writeSolverStep } from '../../decision/solver-step-uniform.js';
import { type Schedule, usesThresholding } from '../../diffusion/solver-step.js';
import { recordSolverStep } from '../../ops/sampling.js';
import { alignUp, createBuffer, MAP_READ, OFFSET_ALIGNMENT, USAGE } from '../../runtime/buffers.js';
import { compilePlan } from '../../runtime/compile-plan.js';
import type { ComputeDevice } from '../../runtime/device.js';
import type { Plan } from '../../runtime/plan.js';
import { type BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import type { StepOffset } from '../../runtime/step-offsets.js';
import { tokens } from '../../runtime/tensor.js';
import type { SchedulerTrace } from './read-traces.js';

const SEGMENT = 'step';

/** By step, flattened as the trace is. */
export interface TraceResult {
  readonly samples: readonly Float32Array[];
  readonly x0: readonly Float32Array[];
}

/** The step that decisions end each evaluation with, as a plan of its own for samples of one shape. */
interface StepPlan {
  readonly plan: Plan;
  readonly offset: StepOffset;
  readonly noiseOffset: StepOffset;
  readonly handles: Readonly<Record<'uniforms' | 'output' | 'noise' | 'sample' | 'pastX0' | 'status', BufferHandle>>;
  readonly offsetValues: PlanBuilder['offsetValues'];
}

/** Runs schedules over given network outputs on a device, by the solver step of decisions; plans are kept by shape. */
export class TraceRunner {
  readonly #device: ComputeDevice;
  readonly #plans = new Map<string, StepPlan>();

  constructor(device: ComputeDevice) {
    this.#device = device;
  }

  /** Every step from what the device made of the one before. */
  async run({ shape, x, outputs, noise }: SchedulerTrace, { steps }: Schedule): Promise<TraceResult> {
    const thresholding = steps.some(usesThresholding);
    const { plan, offset, noiseOffset, handles, offsetValues } = await this.#planOf(shape, thresholding);
    const { gpuDevice } = this.#device;
    const bytes = x.length * 4;
    const write = (handle: BufferHandle, values: Float32Array | Uint8Array): void =>
      gpuDevice.queue.writeBuffer(
        plan.gpuBuffer(handle),
        0,
        Uint8Array.from(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
      );
    const uniform = new Uint8Array(STEP_UNIFORM_BYTES);
    const readback = await createBuffer(this.#device, 'steps of a trace', steps.length * 3 * bytes, USAGE.mapRead | USAGE.copyDestination);
    try {
      this.#device.assertUsable();
      write(handles.sample, x);
      write(handles.pastX0, new Float32Array(2 * x.length));
      for (const [i, step] of steps.entries()) {
        writeSolverStep(new DataView(uniform.buffer), 0, step, steps.length - i);
        write(handles.uniforms, uniform);
        write(handles.output, outputs[i] as Float32Array);
        write(handles.noise, noise?.[i] ?? new Float32Array(x.length));
        const offsets = offsetValues();
        offsets.set(offset, 0);
        offsets.set(noiseOffset, 0);
        const encoder = gpuDevice.createCommandEncoder({ label: 'step of a trace' });
        plan.encode(encoder, [{ segment: SEGMENT, step: i, offsets }]);
        encoder.copyBufferToBuffer(plan.gpuBuffer(handles.sample), 0, readback, 3 * i * bytes, bytes);
        encoder.copyBufferToBuffer(plan.gpuBuffer(handles.pastX0), 0, readback, (3 * i + 1) * bytes, 2 * bytes);
        gpuDevice.queue.submit([encoder.finish()]);
      }
      await this.#device.settle(readback.mapAsync(MAP_READ));
      const values = new Float32Array(readback.getMappedRange().slice(0));
      const row = (first: number, stride: number): Float32Array => x.map((_, e) => values[first + stride * e] as number);
      return {
        samples: steps.map((_, i) => row(3 * i * x.length, 1)),
        // Of each element the x0 of this step, then that of the step before.
        x0: steps.map((_, i) => row((3 * i + 1) * x.length, 2)),
      };
    } finally {
      readback.destroy();
    }
  }

  dispose(): void {
    for (const { plan } of this.#plans.values()) plan.destroy();
    this.#plans.clear();
  }

  async #planOf(shape: SchedulerTrace['shape'], thresholding: boolean): Promise<StepPlan> {
    const key = `${shape.join(' ')} ${thresholding}`;
    const known = this.#plans.get(key);
    if (known) return known;
    const [batch, length, channels] = shape;
    const builder = new PlanBuilder(this.#device);
    const chunkBytes = batch * length * channels * 4;
    const output = tokens(builder, 'model output', batch, length, channels);
    const sample = tokens(builder, 'sample', batch, length, channels);
    const handles = {
      uniforms: builder.buffer('step', alignUp(STEP_UNIFORM_BYTES, OFFSET_ALIGNMENT)),
      noise: builder.buffer('noise', alignUp(chunkBytes, OFFSET_ALIGNMENT)),
      pastX0: builder.buffer('x0', 2 * chunkBytes),
      status: builder.buffer('status', batch * 4),
      output: output.buffer,
      sample: sample.buffer,
    };
    const [offset, noiseOffset] = [builder.offset('coefficients'), builder.offset('noise')];
    builder.segment(SEGMENT);
    recordSolverStep(builder, {
      steps: { buffer: handles.uniforms, offset: 0, bytes: 0, stepOffset: offset },
      output,
      noise: { buffer: handles.noise, offset: 0, bytes: chunkBytes, stepOffset: noiseOffset },
      sample,
      pastX0: handles.pastX0,
      status: handles.status,
      thresholding,
    });
    const plan = {
      plan: await compilePlan(this.#device, builder),
      offset,
      noiseOffset,
      handles,
      offsetValues: () => builder.offsetValues(),
    };
    this.#plans.set(key, plan);
    return plan;
  }
}
