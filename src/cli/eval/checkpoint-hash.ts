import { createHash, type Hash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** SHA-256 over the configurations and weights of a checkpoint folder, by name: 16 hexadecimal digits. */
export async function hashCheckpoint(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(folder)).filter((name) => /\.(json|safetensors)$/.test(name)).sort();
  for (const name of names) {
    // What is no file was not read by the loader either, and a pipe would be waited for.
    if (!(await stat(join(folder, name))).isFile()) continue;
    hash.update(`${name}\n`);
    for await (const piece of createReadStream(join(folder, name))) hash.update(piece as Uint8Array);
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
