import type { Kernel } from '../../kernels/lib/kernel.js';
import { DeviceLostError, ShaderError } from '../foundation/errors.js';
import { TEXTURE_FORMAT } from './texture-format.js';

/** A kernel ready to run. @internal */
export interface CompiledKernel {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroupLayout: GPUBindGroupLayout;
}

/** One kernel more is done, of `total` that were asked for. */
export interface KernelProgress {
  /** What it computes, e.g. "conv1d k5 s1 16 -> 16 16c 8x1 f32"; several differ in no more than their text. */
  readonly kernel: string;
  readonly done: number;
  readonly total: number;
}

/**
 * Compiles every kernel text once per device. An invalid pipeline does not throw on WebGPU: its dispatches do nothing
 * and results are zeros. So creation is checked here, and a kernel that does not compile is printed with line numbers.
 * @internal
 */
export class PipelineCache {
  /** Undefined once it was cleared. */
  #device: GPUDevice | undefined;
  readonly #transform: (kernel: Kernel) => string;
  // The key is the whole text: no two kernels can share a pipeline by mistake.
  readonly #compiled = new Map<string, Promise<CompiledKernel>>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  readonly #watchers = new Set<(kernel: string) => void>();

  constructor(device: GPUDevice, transform: (kernel: Kernel) => string = (kernel) => kernel.code) {
    this.#device = device;
    this.#transform = transform;
  }

  /** Number of pipelines compiled so far. */
  get size(): number {
    return this.#compiled.size;
  }

  /**
   * Tells of every kernel that is compiled from now on, counted from now on, until the returned function is called. The
   * listener must not throw.
   */
  watch(listener: (progress: KernelProgress) => void): () => void {
    const before = this.size;
    let done = 0;
    const watcher = (kernel: string): void => listener({ kernel, done: ++done, total: this.size - before });
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Keeps nothing of the device; nothing can be compiled any more. */
  clear(): void {
    this.#device = undefined;
    this.#compiled.clear();
    this.#layouts.clear();
  }

  /** @throws ShaderError with the compiler's messages and the numbered text. */
  get(kernel: Kernel): Promise<CompiledKernel> {
    const code = this.#transform(kernel);
    const key = `${layoutKey(kernel)}\n${code}`;
    let compiled = this.#compiled.get(key);
    if (!compiled) {
      compiled = this.#compile(kernel, code);
      this.#compiled.set(key, compiled);
      const watchers = [...this.#watchers];
      compiled.then(
        () => watchers.filter((watcher) => this.#watchers.has(watcher)).forEach((watcher) => watcher(kernel.label)),
        () => {},
      );
    }
    return compiled;
  }

  async #compile(kernel: Kernel, code: string): Promise<CompiledKernel> {
    const device = this.#device;
    if (!device) throw new DeviceLostError(`kernel ${kernel.label} cannot be compiled: the WebGPU device was disposed of.`);
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label: kernel.label, code });
    const bindGroupLayout = this.#layout(device, kernel);
    const descriptor: GPUComputePipelineDescriptor = {
      label: kernel.label,
      layout: device.createPipelineLayout({ label: kernel.label, bindGroupLayouts: [bindGroupLayout] }),
      compute: { module, entryPoint: 'main' },
    };
    const moduleError = device.popErrorScope();
    let pipeline: GPUComputePipeline;
    try {
      pipeline = await device.createComputePipelineAsync(descriptor);
    } catch (reason) {
      // Some versions of Deno reject valid descriptors here; the synchronous call has the last word.
      device.pushErrorScope('validation');
      pipeline = device.createComputePipeline(descriptor);
      const error = await device.popErrorScope();
      if (error) throw await describe(kernel, code, module, error.message || String(reason));
    }
    const error = await moduleError;
    if (error) throw await describe(kernel, code, module, error.message);
    return { pipeline, bindGroupLayout };
  }

  #layout(device: GPUDevice, kernel: Kernel): GPUBindGroupLayout {
    const key = layoutKey(kernel);
    let layout = this.#layouts.get(key);
    if (!layout) {
      layout = device.createBindGroupLayout({
        label: key,
        entries: kernel.bindings.map(({ access, dynamic }, binding) => ({
          binding,
          visibility: 4, // GPUShaderStage.COMPUTE; the global is not there in every runtime.
          ...(access === 'texture' || access === 'texture_write'
            ? { storageTexture: { access: TEXTURE_ACCESS[access], format: TEXTURE_FORMAT } }
            : { buffer: { type: BUFFER_TYPES[access], hasDynamicOffset: dynamic ?? false } }),
        })),
      });
      this.#layouts.set(key, layout);
    }
    return layout;
  }
}

const TEXTURE_ACCESS = { texture: 'read-only', texture_write: 'write-only' } as const;
const BUFFER_TYPES = { read: 'read-only-storage', read_write: 'storage', uniform: 'uniform' } as const;

function layoutKey(kernel: Kernel): string {
  return kernel.bindings.map(({ access, dynamic }) => access + (dynamic ? '*' : '')).join(' ');
}

async function describe(kernel: Kernel, code: string, module: GPUShaderModule, message: string): Promise<ShaderError> {
  const { messages } = await module.getCompilationInfo();
  const notes = messages.map((note) => `  line ${note.lineNum}: ${note.type}: ${note.message}`);
  const numbered = code.split('\n').map((line, index) => `${String(index + 1).padStart(4)}  ${line}`);
  return new ShaderError([`kernel "${kernel.label}" is not valid on this device: ${message}`, ...notes, ...numbered].join('\n'));
}
