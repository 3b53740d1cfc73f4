import { MODEL_FILE, MODEL_METADATA, policyFiles, type WrittenPolicy } from '../../checkpoints/lerobot/write-policy.js';
import { encodeSafetensors } from '../../checkpoints/safetensors/safetensors.js';
import { streamSafetensors } from '../../checkpoints/safetensors/stream.js';
import { type CheckpointSource, memorySource } from '../../checkpoints/source.js';
import type { ParameterInfo } from '../training-step.js';

/** What a training of a policy makes. */
export interface PolicyResult {
  readonly files: ReadonlyMap<string, string | Uint8Array>;
  stream(weights: ReadonlyMap<string, Float32Array>): AsyncIterable<Uint8Array>;
  source(weights: ReadonlyMap<string, Float32Array>): CheckpointSource;
}

/** A tensor of the file that is not trained. */
export type StoredBuffer = ParameterInfo & { readonly values: Float32Array };

/** The files of a policy, of weights as they are by now. */
export function policyResult(written: WrittenPolicy, parameters: readonly ParameterInfo[], buffers: readonly StoredBuffer[]): PolicyResult {
  const tensors = [...parameters, ...buffers];
  const valuesOf = (weights: ReadonlyMap<string, Float32Array>, name: string): Float32Array =>
    weights.get(name) ?? (buffers.find((buffer) => buffer.name === name)?.values as Float32Array);
  const files = policyFiles(written);
  return {
    files,
    stream: (weights) =>
      streamSafetensors(
        tensors.map(({ name, shape }) => ({ name, shape, values: async () => valuesOf(weights, name) })),
        MODEL_METADATA,
      ),
    source: (weights) => {
      const stored = tensors.map(({ name, shape }) => ({
        name,
        dtype: 'F32' as const,
        shape,
        data: valuesOf(weights, name),
      }));
      return memorySource('trained policy', {
        ...Object.fromEntries(files),
        [MODEL_FILE]: encodeSafetensors(stored, { ...MODEL_METADATA }),
      });
    },
  };
}
