import { uploadVector } from './weight-packing.js';
import type { WeightLoader } from './weight-source.js';

/** Loads a vector tensor, padded to a multiple of 4. */
export async function loadVector(loader: WeightLoader, name: string): Promise<GPUBuffer> {
  return uploadVector(loader, loader.source.locate(name), await loader.source.readFloats(name));
}
