/** Methods that cost time or memory on the device; everything else is free by comparison. */
const DEVICE_METHODS = [
  'createBuffer',
  'createBindGroup',
  'createBindGroupLayout',
  'createPipelineLayout',
  'createShaderModule',
  'createComputePipeline',
  'createComputePipelineAsync',
  'createQuerySet',
  'createCommandEncoder',
  'pushErrorScope',
] as const satisfies (keyof GPUDevice)[];
const QUEUE_METHODS = ['submit', 'writeBuffer', 'onSubmittedWorkDone'] as const satisfies (keyof GPUQueue)[];
const BUFFER_METHODS = ['mapAsync', 'destroy'] as const satisfies (keyof GPUBuffer)[];

export type CountedCall = (typeof DEVICE_METHODS | typeof QUEUE_METHODS | typeof BUFFER_METHODS)[number];

/** Counts calls of a device, of its queue, and of its buffers, until `restore`. */
export class DeviceCalls {
  readonly #counts = new Map<CountedCall, number>();
  readonly #restore: (() => void)[] = [];
  readonly #onCall: (before: number, made: boolean) => void;
  #total = 0;

  /**
   * `buffer`: any buffer of the device; what is counted on it is counted on all of them. `onCall` is told before each call how
   * many there were before it, and after it when `made` is true.
   */
  constructor(device: GPUDevice, buffer: GPUBuffer, onCall: (before: number, made: boolean) => void = () => {}) {
    this.#onCall = onCall;
    for (const name of DEVICE_METHODS) this.#count(device, name);
    for (const name of QUEUE_METHODS) this.#count(device.queue, name);
    // Buffers made earlier are reached through the prototype they share.
    for (const name of BUFFER_METHODS) this.#count(Object.getPrototypeOf(buffer) as GPUBuffer, name);
  }

  /** Calls so far, by name; names that were not called are left out. */
  get counts(): Partial<Record<CountedCall, number>> {
    return Object.fromEntries(this.#counts);
  }

  restore(): void {
    for (const undo of this.#restore) undo();
  }

  #count<T extends object>(target: T, name: CountedCall & keyof T): void {
    const own = Object.getOwnPropertyDescriptor(target, name);
    const original = target[name] as (...args: unknown[]) => unknown;
    const counts = this.#counts;
    const tell = (before: number, made: boolean): void => this.#onCall(before, made);
    const next = (): number => this.#total++;
    const replacement = function (this: unknown, ...args: unknown[]): unknown {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      const before = next();
      tell(before, false);
      const result = original.apply(this, args);
      tell(before, true);
      return result;
    };
    Object.defineProperty(target, name, { value: replacement, configurable: true, writable: true });
    this.#restore.push(() => {
      if (own) Object.defineProperty(target, name, own);
      else Reflect.deleteProperty(target, name);
    });
  }
}
