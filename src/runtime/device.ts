import type { Kernel } from '../../kernels/lib/kernel.js';
import type { HalfLoads } from '../../kernels/lib/weight-storage.wgsl.js';
import { DeviceLostError, NoAdapterError } from '../foundation/errors.js';
import { classifyAdapter, type DeviceClass } from './device-class.js';
import { PipelineCache } from './pipeline-cache.js';
import { adapterIdentity, checkVariantTable, type VariantTable } from './variant-table.js';

/**
 * How much the WebGPU implementation watches over its caller. `safe`: everything that WebGPU asks for. `fast`: no
 * validation of commands, no bounds checks in kernels, no zeroing of workgroup memory; results are the same bits.
 */
export const PROFILES = ['safe', 'fast'] as const;
export type Profile = (typeof PROFILES)[number];

export interface OpenDeviceOptions {
  /** The WebGPU implementation; default `navigator.gpu`. */
  readonly gpu?: GPU;
  /**
   * What `gpu` was made for; kept in every record. WebGPU has no way to ask for it: Node's `openDevice` makes a `gpu` that
   * fits, browsers are always `safe`. Default `safe`.
   */
  readonly profile?: Profile;
  /**
   * Asks for the feature timestamp-query, which `timeRuns` needs. Not asked for otherwise: a device that is measured as a
   * whole shall be the one that policies run on.
   */
  readonly timing?: boolean;
  readonly powerPreference?: GPUPowerPreference;
  /** Which variants of the kernels are used. Default: by what the adapter says of itself. */
  readonly deviceClass?: DeviceClass;
  /**
   * What `warmstep tune` found for this adapter, or what finds it once the adapter is known; `warn` is for why there is none.
   * Default: the shipped variants.
   */
  readonly variants?: VariantTable | ((adapter: AdapterFacts, warn: (text: string) => void) => VariantTable | undefined);
  /**
   * Whether the implementation keeps a core busy while a promise is pending, as Dawn in Node does: decisions then sleep
   * for most of the time that they are known to take. Default false.
   */
  readonly isPolled?: boolean;
  /** Replaces the text of a kernel before it is compiled. For tests that break a kernel on purpose. */
  readonly transformShader?: (kernel: Kernel) => string;
}

/** What the adapter says of itself, and how it was opened. */
export interface AdapterFacts {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  /** Name and driver, e.g. "llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)". */
  readonly description: string;
  /** True for software adapters. */
  readonly isFallback: boolean;
  readonly profile: Profile;
}

/** What the adapter says of itself, and how it is used. */
export interface AdapterSummary extends AdapterFacts {
  /** "shipped", or "tuned" and the file that the table of variants was read from. */
  readonly variants: string;
}

/**
 * A WebGPU device with everything that several policies share: limits, compiled pipelines, and the news that it was
 * lost. Whoever opened it disposes of it.
 */
export class ComputeDevice {
  readonly adapter: AdapterSummary;
  readonly gpuDevice: GPUDevice;
  readonly pipelines: PipelineCache;
  readonly deviceClass: DeviceClass;
  /** Variants that were measured on this adapter; undefined: the shipped ones. */
  readonly variants: VariantTable | undefined;
  /** What its users should know, and what does not keep it from working. */
  readonly warnings: readonly string[];
  /** See OpenDeviceOptions. */
  readonly isPolled: boolean;
  /**
   * Invocations of a subgroup, where the device has subgroups and all are of one size; 1: kernels do without.
   */
  readonly subgroupSize: number;
  /** Features of the adapter, whether or not the device asked for them. */
  readonly adapterFeatures: ReadonlySet<string>;
  // Dawn's objects may outlive their JavaScript wrappers, but not this one: when it is collected the process aborts.
  readonly #gpu: GPU;
  #halfLoads: HalfLoads = 'packed';
  #failure: Error | undefined;
  /** Ends the waits that are under way. */
  readonly #waits = new Set<(reason: Error) => void>();

  private constructor(gpu: GPU, adapter: GPUAdapter, device: GPUDevice, options: OpenDeviceOptions) {
    this.#gpu = gpu;
    this.gpuDevice = device;
    this.adapterFeatures = new Set([...adapter.features].map(String));
    const { vendor, architecture, device: name, description, isFallbackAdapter, subgroupMinSize, subgroupMaxSize } = adapter.info;
    const oneSize = device.features.has('subgroups') && subgroupMinSize === subgroupMaxSize;
    this.subgroupSize = (oneSize ? subgroupMinSize : undefined) ?? 1;
    const { profile = 'safe' } = options;
    const facts = { vendor, architecture, device: name, description, isFallback: isFallbackAdapter, profile };
    const warnings: string[] = [];
    this.warnings = warnings;
    const table = typeof options.variants === 'function' ? options.variants(facts, (text) => warnings.push(text)) : options.variants;
    this.variants = table && checkVariantTable(table, adapterIdentity(facts), table.file ?? 'option variants');
    this.adapter = { ...facts, variants: table ? ['tuned', ...(table.file === undefined ? [] : [table.file])].join(' ') : 'shipped' };
    this.deviceClass = options.deviceClass ?? classifyAdapter(this.adapter);
    this.isPolled = options.isPolled ?? false;
    this.pipelines = new PipelineCache(device, options.transformShader);
    void device.lost.then(({ reason, message }) => {
      this.#fail(`the WebGPU device was ${reason === 'destroyed' ? 'destroyed' : 'lost'}: ${message || 'no message'}.`);
    });
    device.addEventListener('uncapturederror', (event) => {
      this.#failure ??= new DeviceLostError(
        `WebGPU reported an error outside any scope: ${event.error.message}. Results of this device cannot be trusted; open a new one.`,
      );
    });
  }

  /**
   * Opens a device with the adapter's own limits for storage buffers, everything else at WebGPU's defaults.
   * @throws NoAdapterError when there is no WebGPU or no adapter; OptionError for a table of variants that does not fit.
   */
  static async open(options: OpenDeviceOptions = {}): Promise<ComputeDevice> {
    const { navigator } = globalThis as { navigator?: { gpu?: GPU } };
    const gpu = options.gpu ?? navigator?.gpu;
    if (!gpu) {
      throw new NoAdapterError(
        'WebGPU is not available: navigator.gpu is missing. Use a browser with WebGPU, or pass `gpu`, e.g. from the npm package "webgpu".',
      );
    }
    const adapter = await gpu.requestAdapter({ powerPreference: options.powerPreference ?? 'high-performance' });
    if (!adapter) {
      throw new NoAdapterError('WebGPU has no adapter: no GPU driver was found. Install a Vulkan, Metal or D3D12 driver.');
    }
    // Eight storage buffers are enough to decide; probes of a fused plan are further ones.
    const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = adapter.limits;
    // Kernels use f16 only after it was checked (ops/half-loads.ts); asking costs nothing where nobody does.
    // Subgroups are a matter of speed alone: the same sums in the same order.
    const wanted = ['shader-f16', 'subgroups', ...(options.timing ? (['timestamp-query'] as const) : [])] as const;
    const requiredFeatures = wanted.filter((name) => adapter.features.has(name));
    const device = await adapter.requestDevice({
      label: 'warmstep',
      requiredFeatures,
      requiredLimits: { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage },
    });
    try {
      return new ComputeDevice(gpu, adapter, device, options);
    } catch (error) {
      // A table of variants that is refused.
      device.destroy();
      throw error;
    }
  }

  /** How kernels load f16 weights from buffers. */
  get halfLoads(): HalfLoads {
    return this.#halfLoads;
  }

  /** For plans that are recorded from now on; whoever asks for `native` has proved that it is exact here. */
  useHalfLoads(loads: HalfLoads): void {
    this.#halfLoads = loads;
  }

  get profile(): Profile {
    return this.adapter.profile;
  }

  get limits(): GPUSupportedLimits {
    return this.gpuDevice.limits;
  }

  /** The WebGPU implementation that this device came from. */
  get gpu(): GPU {
    return this.#gpu;
  }

  /** @throws the reason why this device cannot be used any more, if there is one. */
  assertUsable(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Waits for GPU work; ends with DeviceLostError when the device goes away first, so that no wait hangs. */
  async settle<T>(work: Promise<T>): Promise<T> {
    let cancel: (reason: Error) => void = () => {};
    try {
      // Not a race with `device.lost`: that promise would hold on to the result of every race as long as the device lives.
      const result = await new Promise<T>((resolve, reject) => {
        cancel = reject;
        this.#waits.add(cancel);
        work.then(resolve, reject);
        if (this.#failure) reject(this.#failure);
      });
      this.assertUsable();
      return result;
    } catch (error) {
      // Where a lost device first rejects the work and then says that it is lost, the second is the reason.
      if (!this.#failure) await new Promise((resolve) => setTimeout(resolve, 0));
      throw this.#failure ?? error;
    } finally {
      this.#waits.delete(cancel);
    }
  }

  /** Destroys the device. Pending and later calls of policies on it fail with DeviceLostError. */
  dispose(): void {
    this.gpuDevice.destroy();
    this.#fail('the WebGPU device was disposed of.');
  }

  #fail(what: string): void {
    this.#failure ??= new DeviceLostError(`${what} Open a new device and load the policy again.`);
    for (const reject of this.#waits) reject(this.#failure);
  }
}
