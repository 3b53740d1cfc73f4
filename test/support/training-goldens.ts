import { existsSync, readFileSync } from 'node:fs';
import type { ByteSource } from '../../src/checkpoints/source.js';
import { dataFolder } from './data.js';

/** The tensors of a training case, beside the data sets; undefined, and a line that says so, where they are absent. */
export function trainingCase(name: string): ByteSource | undefined {
  const path = `${dataFolder('pusht', `the training case ${name}`) ?? ''}/../../goldens/training/${name}/case.safetensors`;
  if (!existsSync(path)) return undefined;
  const bytes = new Uint8Array(readFileSync(path));
  return {
    name: path,
    size: bytes.length,
    read: async (offset, into) => into.set(bytes.subarray(offset, offset + into.length)),
  };
}
