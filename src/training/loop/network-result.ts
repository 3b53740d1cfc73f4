import { encodeSafetensors } from '../../checkpoints/safetensors/safetensors.js';
import { streamSafetensors } from '../../checkpoints/safetensors/stream.js';
import { type CheckpointSource, memorySource } from '../../checkpoints/source.js';
import type { ParameterInfo } from '../training-step.js';
import { type RunStorage, writeText } from './run-storage.js';

type Tensors = ReadonlyMap<string, Float32Array>;

/** The folder of a trained network: `config.json` and `model.safetensors`, of weights as they are by now. */
export interface NetworkResult {
  /** All tensors of the file. */
  tensors(weights: Tensors): Tensors;
  source(weights: Tensors): CheckpointSource;
  publish(storage: RunStorage, weights: Tensors): Promise<void>;
}

/** `tables`: tensors that are not trained, and the shape of each. Default: none. */
export function networkResult(
  name: string,
  config: string,
  parameters: readonly ParameterInfo[],
  tables?: { readonly tensors: Tensors; shapeOf(table: Float32Array): readonly number[] },
): NetworkResult {
  const fixed = [...(tables?.tensors ?? [])];
  const shapes = new Map<string, readonly number[]>([
    ...parameters.map((parameter) => [parameter.name, parameter.shape] as const),
    ...fixed.map(([table, values]) => [table, tables?.shapeOf(values) ?? []] as const),
  ]);
  const tensors = (weights: Tensors): Tensors => new Map([...weights, ...fixed]);
  return {
    tensors,
    source: (weights) => {
      const all = tensors(weights);
      const written = [...shapes].map(([tensor, shape]) => ({
        name: tensor,
        dtype: 'F32' as const,
        shape,
        data: all.get(tensor) as Float32Array,
      }));
      return memorySource(name, { 'config.json': config, 'model.safetensors': encodeSafetensors(written, { format: 'pt' }) });
    },
    publish: async (storage, weights) => {
      const all = tensors(weights);
      const streamed = [...shapes].map(([tensor, shape]) => ({ name: tensor, shape, values: async () => all.get(tensor) as Float32Array }));
      await storage.write('model.safetensors', streamSafetensors(streamed, { format: 'pt' }));
      await writeText(storage, 'config.json', config);
    },
  };
}
