import type { Kernel } from '../../kernels/lib/kernel.js';
import type { HalfLoads } from '../../kernels/lib/weight-storage.wgsl.js';
import { DeviceLostError, NoAdapterError } from '../foundation/errors.js';
import { checkCallbacks, checkChoice, checkKeys, checkMethods, checkToggle, keysOf } from '../foundation/options.js';
import { inOneLine } from '../foundation/visible.js';
import { classifyAdapter, DEVICE_CLASSES, type DeviceClass } from './device-class.js';
import { Naps, napClock } from './naps.js';
import { PipelineCache } from './pipeline-cache.js';
import { adapterIdentity, type VariantTable } from './variant-table.js';

/**
 * How much the WebGPU implementation watches over its caller. `safe`: everything that WebGPU asks for. `fast`: no
 * validation of commands, no bounds checks in kernels, no zeroing of workgroup memory; results are the same bits.
 */
export const PROFILES = ['safe', 'fast'] as const;
export type Profile = (typeof PROFILES)[number];

/**
 * How the host waits for a device that it has to ask. `poll`: all the time, for the least latency. `sleep`: in naps of a fifth
 * of a millisecond, which leaves the core to others; a result comes some 0.2 ms later at most. Other work of the thread waits for a nap as well, in large work on
 * software adapters up to a millisecond.
 */
const IDLE_CHOICES = ['poll', 'sleep'] as const;
export type IdleChoice = (typeof IDLE_CHOICES)[number];

/**
 * A WebGPU implementation: `navigator.gpu`, what `createGpu` returns, or what `create` of the npm package webgpu does. The
 * global types of WebGPU are not named in public: a project need not have them.
 */
export interface WebGpu {
  requestAdapter(options?: { readonly powerPreference?: 'low-power' | 'high-performance' }): Promise<object | null>;
}

export interface OpenDeviceOptions {
  /** The WebGPU implementation; default `navigator.gpu`. */
  readonly gpu?: WebGpu;
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
  readonly powerPreference?: 'low-power' | 'high-performance';
  /** Which variants of the kernels are used. Default: by what the adapter says of itself. */
  readonly deviceClass?: DeviceClass;
  /**
   * What `warmstep tune` found for this adapter, or what finds it once the adapter is known; `warn` is for why there is none.
   * Default: the shipped variants.
   */
  readonly variants?: VariantTable | ((adapter: AdapterFacts, warn: (text: string) => void) => VariantTable | undefined);
  /**
   * Calls once, in a later turn of the event loop, where whoever waits for what was just resolved goes first. Default: a
   * timer, which takes a millisecond or more; Node's `openDevice` brings something quicker.
   */
  readonly inLaterTurn?: (call: () => void) => void;
  /** Whether the implementation keeps a core busy while a promise is pending, as Dawn in Node does. Default false. */
  readonly isPolled?: boolean;
  /**
   * How such an implementation is waited for. Default: `sleep` on software adapters, which compute on the core that would
   * poll; `poll` on all others, whose latency comes before an idle core.
   */
  readonly idle?: IdleChoice;
  /** Replaces the text of a kernel before it is compiled. For tests that break a kernel on purpose. */
  readonly transformShader?: (kernel: Kernel) => string;
}

const OPEN_KEYS = keysOf<OpenDeviceOptions>({
  gpu: true,
  profile: true,
  timing: true,
  powerPreference: true,
  deviceClass: true,
  variants: true,
  inLaterTurn: true,
  isPolled: true,
  idle: true,
  transformShader: true,
});

/** Refuses what `openDevice` cannot use; `more` are options of a platform's own. @throws OptionError. */
export function checkOpenOptions(options: object, more: readonly string[] = []): void {
  const where = 'openDevice';
  checkKeys(where, options, [...OPEN_KEYS, ...more]);
  const { gpu, profile, timing, powerPreference, deviceClass, isPolled, idle } = options as OpenDeviceOptions;
  if (gpu !== undefined) {
    checkMethods(where, 'gpu', gpu, 'a WebGPU implementation such as navigator.gpu', ['requestAdapter']);
  }
  if (profile !== undefined) checkChoice(where, 'profile', profile, PROFILES);
  if (timing !== undefined) checkToggle(where, 'timing', timing);
  if (isPolled !== undefined) checkToggle(where, 'isPolled', isPolled);
  if (powerPreference !== undefined) checkChoice(where, 'powerPreference', powerPreference, ['low-power', 'high-performance']);
  if (deviceClass !== undefined) checkChoice(where, 'deviceClass', deviceClass, DEVICE_CLASSES);
  if (idle !== undefined) checkChoice(where, 'idle', idle, IDLE_CHOICES);
  checkCallbacks<OpenDeviceOptions>(where, options, ['transformShader', 'inLaterTurn']);
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

/** The table of variants that a device takes, if any, and what its users should know. */
interface ChosenVariants {
  readonly facts: AdapterFacts;
  readonly table: VariantTable | undefined;
  readonly warnings: readonly string[];
}

/** The code that checks a table is loaded where there is one. @throws OptionError for one that does not fit. */
async function chooseVariants({ info }: GPUAdapter, options: OpenDeviceOptions): Promise<ChosenVariants> {
  const { vendor, architecture, device, description, isFallbackAdapter } = info;
  const facts = { vendor, architecture, device, description, isFallback: isFallbackAdapter, profile: options.profile ?? 'safe' };
  const warnings: string[] = [];
  const given = typeof options.variants === 'function' ? options.variants(facts, (text) => warnings.push(text)) : options.variants;
  if (!given) return { facts, table: undefined, warnings };
  const { checkVariantTable } = await import('./check-variant-table.js');
  return { facts, table: checkVariantTable(given, adapterIdentity(facts), given.file ?? 'option variants'), warnings };
}

const DISPOSED = 'the WebGPU device was disposed of.';

/**
 * A WebGPU device with everything that several policies share: limits, compiled pipelines, and the news that it was
 * lost. Whoever opened it disposes of it.
 */
export class ComputeDevice {
  readonly adapter: AdapterSummary;
  /** @internal */
  readonly pipelines: PipelineCache;
  readonly deviceClass: DeviceClass;
  /** Variants that were measured on this adapter; undefined: the shipped ones. */
  readonly variants: VariantTable | undefined;
  /** What its users should know, and what does not keep it from working. */
  readonly warnings: readonly string[];
  /** See OpenDeviceOptions. */
  readonly inLaterTurn: (call: () => void) => void;
  /**
   * Invocations of a subgroup, where the device has subgroups and all are of one size; 1: kernels do without.
   */
  readonly subgroupSize: number;
  /**
   * Whether kernels can read storage textures: a feature of the language, not of the adapter.
   * @internal
   */
  readonly readsStorageTextures: boolean;
  /** Features of the adapter, whether or not the device asked for them. */
  readonly adapterFeatures: ReadonlySet<string>;
  // Dawn's objects may outlive their JavaScript wrappers, but not this one: when it is collected the process aborts.
  readonly #gpu: GPU;
  /** Undefined once it was disposed of: Dawn frees the threads of a destroyed device when the last object of it is collected. */
  #gpuDevice: GPUDevice | undefined;
  /** Where waits are slept through in part. */
  readonly #naps: Naps | undefined;
  /** What goes before commands, in a submit of its own. */
  readonly #heads = new WeakMap<GPUCommandBuffer, GPUCommandBuffer>();
  #halfLoads: HalfLoads = 'packed';
  #failure: Error | undefined;
  /** Ends the waits that are under way: a few at most, and a list leaves no garbage where a set does. */
  readonly #waits: ((reason: Error) => void)[] = [];

  private constructor(gpu: GPU, adapter: GPUAdapter, device: GPUDevice, options: OpenDeviceOptions, chosen: ChosenVariants) {
    this.#gpu = gpu;
    this.#gpuDevice = device;
    this.adapterFeatures = new Set([...adapter.features].map(String));
    const { subgroupMinSize, subgroupMaxSize } = adapter.info;
    const oneSize = device.features.has('subgroups') && subgroupMinSize === subgroupMaxSize;
    this.subgroupSize = (oneSize ? subgroupMinSize : undefined) ?? 1;
    // Deno's types do not know of it, nor do older browsers.
    const { wgslLanguageFeatures } = gpu as { readonly wgslLanguageFeatures?: { has(name: string): boolean } };
    this.readsStorageTextures = wgslLanguageFeatures?.has('readonly_and_readwrite_storage_textures') ?? false;
    const { facts, table, warnings } = chosen;
    this.warnings = warnings;
    this.variants = table;
    this.adapter = { ...facts, variants: table ? ['tuned', ...(table.file === undefined ? [] : [table.file])].join(' ') : 'shipped' };
    this.deviceClass = options.deviceClass ?? classifyAdapter(this.adapter);
    const idle = options.idle ?? (this.adapter.isFallback ? 'sleep' : 'poll');
    this.inLaterTurn = options.inLaterTurn ?? ((call) => void setTimeout(call, 0));
    this.#naps = options.isPolled && idle === 'sleep' ? new Naps(napClock(this.inLaterTurn)) : undefined;
    this.pipelines = new PipelineCache(device, options.transformShader);
    void device.lost.then(({ reason, message }) => {
      this.#fail(`the WebGPU device was ${reason === 'destroyed' ? 'destroyed' : 'lost'}: ${inOneLine(message) || 'no message'}.`);
    });
    device.addEventListener('uncapturederror', this.#onUncapturedError);
  }

  /**
   * Opens a device with the adapter's own limits for storage buffers, everything else at WebGPU's defaults.
   * @throws NoAdapterError when there is no WebGPU or no adapter; OptionError for a table of variants that does not fit.
   */
  static async open(options: OpenDeviceOptions = {}): Promise<ComputeDevice> {
    checkOpenOptions(options);
    const { navigator } = globalThis as { navigator?: { gpu?: GPU } };
    const gpu = (options.gpu as GPU | undefined) ?? navigator?.gpu;
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
    const chosen = await chooseVariants(adapter, options);
    const device = await adapter.requestDevice({
      label: 'warmstep',
      requiredFeatures,
      requiredLimits: { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage },
    });
    return new ComputeDevice(gpu, adapter, device, options, chosen);
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

  /** @throws DeviceLostError once it was disposed of. @internal */
  get gpuDevice(): GPUDevice {
    if (!this.#gpuDevice) throw this.#failure ?? new DeviceLostError(DISPOSED);
    return this.#gpuDevice;
  }

  /** @internal */
  get limits(): GPUSupportedLimits {
    return this.gpuDevice.limits;
  }

  /** The WebGPU implementation that this device came from. @internal */
  get gpu(): GPU {
    return this.#gpu;
  }

  /** Whether nothing is known that speaks against using it. */
  get isUsable(): boolean {
    return this.#failure === undefined;
  }

  /** @throws the reason why this device cannot be used any more, if there is one. */
  assertUsable(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Whether who waits for large work gains by its being handed over in two parts (`precede`): where waiting takes a core from computing. @internal */
  get splitsWork(): boolean {
    return this.#naps !== undefined && this.deviceClass !== 'gpu';
  }

  /** Makes `head` the first part of the work that `commands` are the end of: `submit` hands over both. @internal */
  precede(commands: GPUCommandBuffer, head: GPUCommandBuffer): void {
    this.#heads.set(commands, head);
  }

  /** Hands over commands whose result is waited for next. @internal */
  submit(commands: GPUCommandBuffer): void {
    const { queue } = this.gpuDevice;
    const head = this.#heads.get(commands);
    if (head) {
      queue.submit([head]);
      this.#naps?.hold(queue.onSubmittedWorkDone());
    }
    queue.submit([commands]);
  }

  /** Waits for GPU work; ends with DeviceLostError when the device goes away first, so that no wait hangs. */
  settle<T>(work: Promise<T>): Promise<T>;
  /** `use` makes the result of the work's, as soon as it is there. */
  settle<T, U>(work: Promise<T>, use: (result: T) => U | Promise<U>): Promise<U>;
  settle<T>(work: Promise<T>, use: (result: T) => unknown = (result) => result): Promise<unknown> {
    // Not a race with `device.lost`: that promise would hold on to the result of every race as long as the device lives.
    // One promise and no asynchronous function, of which a decision would leave more garbage.
    return new Promise((resolve, reject) => {
      const endNaps = this.#naps?.begin();
      const fail = (error: unknown): void => {
        // A wait ends once: work that fails after the device did is told of nothing new.
        if (!this.#endWait(fail)) return;
        endNaps?.();
        // Where a lost device first rejects the work and then says that it is lost, the second is the reason.
        if (this.#failure) reject(this.#failure);
        else setTimeout(() => reject(this.#failure ?? error), 0);
      };
      this.#waits.push(fail);
      work.then((result) => {
        if (this.#failure) return fail(this.#failure);
        this.#endWait(fail);
        endNaps?.();
        try {
          resolve(use(result));
        } catch (error) {
          reject(error);
        }
      }, fail);
      if (this.#failure) fail(this.#failure);
    });
  }

  /**
   * Destroys the device, and keeps nothing of it. Pending and later calls of policies on it fail with DeviceLostError. Memory
   * on the device is free at once; threads of the implementation end when JavaScript's objects of it are collected.
   */
  dispose(): void {
    const device = this.#gpuDevice;
    if (!device) return;
    // The implementation holds on to listeners for good, and a listener to all that it can reach.
    device.removeEventListener('uncapturederror', this.#onUncapturedError);
    device.destroy();
    this.#fail(DISPOSED);
    this.#gpuDevice = undefined;
    this.pipelines.clear();
  }

  // Deno's types have listeners of events alone.
  readonly #onUncapturedError = (event: Event): void => {
    const { error } = event as GPUUncapturedErrorEvent;
    this.#failure ??= new DeviceLostError(
      `WebGPU reported an error outside any scope: ${inOneLine(error.message)}. Results of this device cannot be trusted; open a new one.`,
    );
  };

  #fail(what: string): void {
    this.#failure ??= new DeviceLostError(`${what} Open a new device and load the policy again, or call reload() of the policy.`);
    for (const reject of [...this.#waits]) reject(this.#failure);
  }

  /** Whether it was under way. */
  #endWait(fail: (reason: Error) => void): boolean {
    const waits = this.#waits;
    const index = waits.indexOf(fail);
    if (index < 0) return false;
    const last = waits.pop() as typeof fail;
    if (last !== fail) waits[index] = last;
    return true;
  }
}
