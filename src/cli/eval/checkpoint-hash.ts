import { createHash, type Hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { folderSource } from '../../platform/node/folder-source.js';

const PIECE_BYTES = 4 * 1024 * 1024;

/** SHA-256 over the configurations and weights of a checkpoint folder, by name: 16 hexadecimal digits. */
export async function hashCheckpoint(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const source = await folderSource(folder);
  try {
    const names = (await source.list()).filter((name) => /\.(json|safetensors)$/.test(name)).sort();
    const piece = new Uint8Array(PIECE_BYTES);
    for (const name of names) {
      hash.update(`${name}\n`);
      const file = await source.open(name);
      for (let offset = 0; offset < file.size; offset += PIECE_BYTES) {
        const part = piece.subarray(0, Math.min(PIECE_BYTES, file.size - offset));
        await file.read(offset, part);
        hash.update(part);
      }
    }
  } finally {
    await source.close();
  }
  return shortened(hash);
}

/** SHA-256 of a small file, likewise. */
export function hashFile(file: string): string {
  return shortened(createHash('sha256').update(readFileSync(file)));
}

function shortened(hash: Hash): string {
  return hash.digest('hex').slice(0, 16);
}
