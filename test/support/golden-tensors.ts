import { SafetensorsFile } from '../../src/checkpoints/safetensors/safetensors.js';
import { memorySource } from '../../src/checkpoints/source.js';
import type { Files } from './folders.js';

/** The tensors of a safetensors file, as copies. */
export async function floatsOf(files: Files, name: string): Promise<Map<string, Float32Array>> {
  const file = await SafetensorsFile.open(await memorySource('', files).open(name));
  const all = new Map<string, Float32Array>();
  for (const tensor of file.tensors.keys()) all.set(tensor, (await file.readFloats(tensor)).slice());
  return all;
}
