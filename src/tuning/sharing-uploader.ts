import { Uploader } from '../runtime/uploader.js';

/**
 * Creates what holds weights in its right size, once for all of the same size, and packs nothing: recording depends on
 * sizes alone, and a network of a gigabyte then takes a quarter of it.
 */
export class SharingUploader extends Uploader {
  // Promises: layers that are loaded together share as well.
  readonly #buffers = new Map<number, Promise<GPUBuffer>>();
  readonly #textures = new Map<number, Promise<GPUTexture>>();

  override upload(label: string, wordCount: number): Promise<GPUBuffer> {
    return shared(this.#buffers, wordCount, () => this.allocate(label, wordCount * 4));
  }

  override uploadTexture(label: string, width: number, wordCount: number): Promise<GPUTexture> {
    return shared(this.#textures, wordCount, () => super.uploadTexture(label, width, wordCount, () => {}));
  }
}

function shared<T>(known: Map<number, Promise<T>>, words: number, create: () => Promise<T>): Promise<T> {
  let resource = known.get(words);
  if (!resource) known.set(words, (resource = create()));
  return resource;
}
