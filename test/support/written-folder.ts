import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckpointSource } from '../../src/checkpoints/source.js';

/** Writes the files of a source into a new folder, for whoever reads folders alone. */
export async function writtenFolder(folder: string, source: CheckpointSource): Promise<string> {
  mkdirSync(folder, { recursive: true });
  for (const name of await source.list()) {
    const file = await source.open(name);
    const bytes = new Uint8Array(file.size);
    await file.read(0, bytes);
    writeFileSync(join(folder, name), bytes);
  }
  await source.close();
  return folder;
}
