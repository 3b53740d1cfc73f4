import { USAGE } from '../../src/runtime/buffers.js';

/** GPUMapMode.READ; the global is not there in every runtime. */
const MAP_READ = 1;
const ELEMENTS = 1024;
/** Bytes that a decision uploads and reads back, about. */
const UPLOAD_BYTES = 2560;
const READ_BACK_BYTES = 1792;

const SHADER = /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> values: array<f32>;
@group(0) @binding(1) var<uniform> scale: vec4f;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) invocation: vec3u) {
  values[invocation.x] = values[invocation.x] * scale.x;
}`;

/**
 * What any program pays on this implementation of WebGPU for as many dispatches: one write, one submit, one read-back and
 * nothing else. Every second dispatch changes the pipeline, each has a bind group of its own.
 */
export class Floor {
  readonly #device: GPUDevice;
  readonly #dispatches: number;
  readonly #pipelines: readonly GPUComputePipeline[];
  readonly #groups: readonly GPUBindGroup[];
  readonly #values: GPUBuffer;
  readonly #scale: GPUBuffer;
  readonly #readback: GPUBuffer;
  readonly #upload = new ArrayBuffer(UPLOAD_BYTES);

  constructor(device: GPUDevice, dispatches: number) {
    this.#device = device;
    this.#dispatches = dispatches;
    const module = device.createShaderModule({ code: SHADER });
    const layout = device.createBindGroupLayout({
      entries: [
        { binding: 0, visibility: 4, buffer: { type: 'storage' } },
        { binding: 1, visibility: 4, buffer: { type: 'uniform' } },
      ],
    });
    const pipeline = (): GPUComputePipeline =>
      device.createComputePipeline({ layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }), compute: { module } });
    this.#pipelines = [pipeline(), pipeline()];
    this.#values = device.createBuffer({ size: 4 * ELEMENTS, usage: USAGE.storage | USAGE.copySource });
    this.#scale = device.createBuffer({ size: UPLOAD_BYTES, usage: USAGE.uniform | USAGE.copyDestination });
    this.#readback = device.createBuffer({ size: READ_BACK_BYTES, usage: USAGE.mapRead | USAGE.copyDestination });
    const entries = [
      { binding: 0, resource: { buffer: this.#values } },
      { binding: 1, resource: { buffer: this.#scale, size: 16 } },
    ];
    this.#groups = Array.from({ length: dispatches }, () => device.createBindGroup({ layout, entries }));
  }

  encode(): GPUCommandBuffer {
    const encoder = this.#device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let index = 0; index < this.#dispatches; index++) {
      pass.setPipeline(this.#pipelines[index % 2] as GPUComputePipeline);
      pass.setBindGroup(0, this.#groups[index] as GPUBindGroup);
      pass.dispatchWorkgroups(ELEMENTS / 64);
    }
    pass.end();
    encoder.copyBufferToBuffer(this.#values, 0, this.#readback, 0, READ_BACK_BYTES);
    return encoder.finish();
  }

  /** Write, submit, map, read. Returns its milliseconds, with those of the encoding where no commands are given. */
  async time(commands?: GPUCommandBuffer): Promise<number> {
    const { queue } = this.#device;
    const begun = performance.now();
    const submitted = commands ?? this.encode();
    queue.writeBuffer(this.#scale, 0, this.#upload);
    queue.submit([submitted]);
    await this.#readback.mapAsync(MAP_READ);
    this.#readback.getMappedRange().slice(0);
    this.#readback.unmap();
    return performance.now() - begun;
  }
}
