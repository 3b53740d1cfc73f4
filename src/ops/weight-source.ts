import type { Uploader } from '../runtime/uploader.js';
import type { Precision } from '../spec/precision.js';

/** Named tensors of a checkpoint. The array may be overwritten by the next read. */
export interface WeightSource {
  readFloats(name: string): Promise<Float32Array>;
  /** "tensor X of file Y", for error messages. */
  locate(name: string): string;
}

/** The same loader for the part of a checkpoint whose names begin with `prefix`, under the names behind it. */
export function prefixedLoader(loader: WeightLoader, prefix: string): WeightLoader {
  const { source } = loader;
  return { ...loader, source: { readFloats: (name) => source.readFloats(prefix + name), locate: (name) => source.locate(prefix + name) } };
}

/** What the ops need to bring their weights to the device. */
export interface WeightLoader {
  readonly source: WeightSource;
  readonly uploader: Uploader;
  readonly precision: Precision;
}
