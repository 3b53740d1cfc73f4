/** Bytes that go up to a device and that are mapped to be read, call by call, until `restore`. */
export class QueueTraffic {
  /** Of each `writeBuffer`. */
  readonly written: number[] = [];
  /** Of each buffer that is mapped. */
  readonly read: number[] = [];
  readonly #restore: (() => void)[] = [];

  constructor(device: GPUDevice) {
    const { queue } = device;
    const write = queue.writeBuffer;
    const { written, read } = this;
    Object.defineProperty(queue, 'writeBuffer', {
      configurable: true,
      value: (...args: Parameters<GPUQueue['writeBuffer']>) => {
        written.push(args[4] ?? (args[2] as ArrayBufferView).byteLength);
        return write.apply(queue, args);
      },
    });
    this.#restore.push(() => Reflect.deleteProperty(queue, 'writeBuffer'));
    // Buffers made earlier are reached through the prototype they share.
    const any = device.createBuffer({ size: 4, usage: 8 });
    const prototype = Object.getPrototypeOf(any) as GPUBuffer;
    any.destroy();
    const map = prototype.mapAsync;
    prototype.mapAsync = function (this: GPUBuffer, ...args: Parameters<GPUBuffer['mapAsync']>) {
      read.push(args[2] ?? this.size);
      return map.apply(this, args);
    };
    this.#restore.push(() => {
      prototype.mapAsync = map;
    });
  }

  restore(): void {
    for (const undo of this.#restore) undo();
  }
}
