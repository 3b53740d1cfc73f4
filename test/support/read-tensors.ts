import type { TensorInfo } from '../../src/checkpoints/safetensors/header.js';
import { SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';

/** What a safetensors file in memory says of its tensors. */
export async function readTensors(bytes: Uint8Array): Promise<ReadonlyMap<string, TensorInfo>> {
  const file = await SafetensorsFile.open({
    name: 'dump',
    size: bytes.byteLength,
    read: async (offset, target) => void target.set(bytes.subarray(offset, offset + target.byteLength)),
  });
  return file.tensors;
}
