import { createBuffer, createTexture, TEXEL_BYTES, USAGE } from './buffers.js';
import type { ComputeDevice } from './device.js';
import { writeTexels } from './texture-rows.js';

/** Bytes of the staging array that all uploads of one load share. */
const STAGING_BYTES = 4 << 20;
/** Bytes that may wait in the queue: the driver holds a copy of them until they are submitted. */
const IN_FLIGHT_BYTES = 32 << 20;

const WORDS_PER_TEXEL = TEXEL_BYTES / 4;

/** A part of a buffer to be filled: words [first, first + words.length) of 32 bits. */
export type FillPart = (words: Uint32Array<ArrayBuffer>, first: number) => void;

/**
 * Brings weights to the device through one small staging array, so that peak memory stays near the size of the file:
 * a mapped buffer, or one staging array per tensor, would hold everything twice.
 */
export class Uploader {
  readonly #device: ComputeDevice;
  readonly #staging = new Uint32Array(STAGING_BYTES / 4);
  readonly #created: (GPUBuffer | GPUTexture)[] = [];
  #inFlight = 0;
  #bytes = 0;

  constructor(device: ComputeDevice) {
    this.#device = device;
  }

  /** Bytes on the device. */
  get bytes(): number {
    return this.#bytes;
  }

  get device(): ComputeDevice {
    return this.#device;
  }

  /**
   * Creates a storage buffer of `wordCount` 32-bit words and fills it part by part.
   * `granularity`: parts begin at multiples of this many words (a row of a matrix, say).
   */
  async upload(label: string, wordCount: number, fill: FillPart, granularity = 1): Promise<GPUBuffer> {
    const buffer = await this.allocate(label, wordCount * 4);
    await this.#stream(wordCount, fill, granularity, (part, first) => this.#device.gpuDevice.queue.writeBuffer(buffer, first * 4, part));
    return buffer;
  }

  /** As `upload`, into a texture of rows of `width` texels, four words each: texel i is at (i mod width, ⌊i / width⌋). */
  async uploadTexture(label: string, width: number, wordCount: number, fill: FillPart, granularity = 4): Promise<GPUTexture> {
    const height = Math.ceil(wordCount / WORDS_PER_TEXEL / width);
    const texture = await createTexture(this.#device, label, width, height);
    this.#created.push(texture);
    this.#bytes += width * height * TEXEL_BYTES;
    await this.#stream(wordCount, fill, granularity, (part, first) => {
      writeTexels(this.#device.gpuDevice.queue, texture, first / WORDS_PER_TEXEL, part);
    });
    return texture;
  }

  /** A storage buffer holding these values. */
  uploadFloats(label: string, values: Float32Array): Promise<GPUBuffer> {
    return this.upload(label, values.length, (words, first) => {
      new Float32Array(words.buffer, words.byteOffset, words.length).set(values.subarray(first, first + words.length));
    });
  }

  /** A zeroed storage buffer that lives as long as the uploaded ones. */
  async allocate(label: string, bytes: number): Promise<GPUBuffer> {
    const usage = USAGE.storage | USAGE.copyDestination | USAGE.copySource;
    const buffer = await createBuffer(this.#device, label, bytes, usage);
    this.#created.push(buffer);
    this.#bytes += buffer.size;
    return buffer;
  }

  destroy(): void {
    for (const resource of this.#created.splice(0)) resource.destroy();
  }

  async #stream(wordCount: number, fill: FillPart, granularity: number, write: FillPart): Promise<void> {
    const rows = Math.max(1, Math.floor(this.#staging.length / granularity));
    const staging = rows * granularity > this.#staging.length ? new Uint32Array(granularity) : this.#staging;
    for (let first = 0; first < wordCount; first += rows * granularity) {
      const part = staging.subarray(0, Math.min(rows * granularity, wordCount - first));
      fill(part, first);
      write(part, first);
      await this.#throttle(part.byteLength);
    }
  }

  async #throttle(bytes: number): Promise<void> {
    this.#inFlight += bytes;
    if (this.#inFlight < IN_FLIGHT_BYTES) return;
    this.#inFlight = 0;
    const { queue } = this.#device.gpuDevice;
    queue.submit([]);
    await this.#device.settle(queue.onSubmittedWorkDone());
  }
}
