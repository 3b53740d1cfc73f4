/** One call of the device, in milliseconds of `performance.now()`; asynchronous calls end when their promise settles. */
export interface Span {
  readonly name: ClockedCall;
  readonly begin: number;
  readonly end: number;
  /** Written by writeBuffer, or the size of the buffer that mapAsync maps. */
  readonly bytes: number;
}

const DEVICE_CALLS = ['createBuffer', 'popErrorScope', 'createShaderModule', 'createComputePipelineAsync', 'createBindGroup'] as const;
const QUEUE_CALLS = ['writeBuffer', 'submit', 'onSubmittedWorkDone'] as const;
/** `encode` reaches from the creation of a command encoder to the end of its finish(). */
export type ClockedCall = (typeof DEVICE_CALLS | typeof QUEUE_CALLS)[number] | 'encode' | 'mapAsync' | 'unmap';

/**
 * Notes when the calls of a device begin and end, so that the engine needs no clocks of its own for a benchmark. Its
 * wrappers cost some hundred nanoseconds per noted call; calls within a pass are not noted.
 */
export class DeviceClock {
  readonly #spans: Span[] = [];
  readonly #restore: (() => void)[] = [];

  constructor(device: GPUDevice) {
    const buffer = device.createBuffer({ size: 16, usage: 8 });
    for (const name of DEVICE_CALLS) this.#watch(device, name, name);
    for (const name of QUEUE_CALLS) this.#watch(device.queue, name, name);
    // Buffers made earlier are reached through the prototype they share.
    const prototype = Object.getPrototypeOf(buffer) as GPUBuffer;
    this.#watch(prototype, 'mapAsync', 'mapAsync');
    this.#watch(prototype, 'unmap', 'unmap');
    buffer.destroy();
    this.#watchEncoders(device);
  }

  /** The calls that have ended since the last call of this method, in the order in which they ended. */
  take(): Span[] {
    return this.#spans.splice(0);
  }

  /** Calls are not noted any more. */
  stop(): void {
    for (const undo of this.#restore.splice(0)) undo();
  }

  #note(name: ClockedCall, begin: number, bytes: number): void {
    this.#spans.push({ name, begin, end: performance.now(), bytes });
  }

  #watch<T extends object>(target: T, method: keyof T & string, name: ClockedCall): void {
    const note = (begin: number, bytes: number): void => this.#note(name, begin, bytes);
    this.#replace(
      target,
      method,
      (original) =>
        function (this: unknown, ...args: unknown[]): unknown {
          const begin = performance.now();
          const result = original.apply(this, args);
          const bytes = name === 'writeBuffer' ? writtenBytes(args) : name === 'mapAsync' ? (this as GPUBuffer).size : 0;
          if (!(result instanceof Promise)) note(begin, bytes);
          else
            void result.then(
              () => note(begin, bytes),
              () => note(begin, bytes),
            );
          return result;
        },
    );
  }

  #watchEncoders(device: GPUDevice): void {
    const note = (begin: number): void => this.#note('encode', begin, 0);
    this.#replace(
      device,
      'createCommandEncoder',
      (create) =>
        function (this: unknown, ...args: unknown[]): unknown {
          const begin = performance.now();
          const encoder = create.apply(this, args) as GPUCommandEncoder;
          const finish = encoder.finish.bind(encoder);
          encoder.finish = (descriptor) => {
            const commands = finish(descriptor);
            note(begin);
            return commands;
          };
          return encoder;
        },
    );
  }

  #replace<T extends object>(target: T, method: keyof T & string, wrap: (original: Method) => Method): void {
    const own = Object.getOwnPropertyDescriptor(target, method);
    const value = wrap(target[method] as Method);
    Object.defineProperty(target, method, { value, configurable: true, writable: true });
    this.#restore.push(() => {
      if (own) Object.defineProperty(target, method, own);
      else Reflect.deleteProperty(target, method);
    });
  }
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Of writeBuffer(buffer, offset, data, dataOffset?, size?): offset and size count elements where data is a typed array. */
function writtenBytes([, , data, dataOffset = 0, size]: unknown[]): number {
  const { byteLength, BYTES_PER_ELEMENT = 1 } = data as { byteLength: number; BYTES_PER_ELEMENT?: number };
  return size === undefined ? byteLength - Number(dataOffset) * BYTES_PER_ELEMENT : Number(size) * BYTES_PER_ELEMENT;
}

/** Milliseconds in which at least one of the spans was under way. */
export function busyMs(spans: readonly Pick<Span, 'begin' | 'end'>[]): number {
  let total = 0;
  let covered = -Infinity;
  for (const { begin, end } of [...spans].sort((a, b) => a.begin - b.begin)) {
    total += Math.max(0, end - Math.max(begin, covered));
    covered = Math.max(covered, end);
  }
  return total;
}
