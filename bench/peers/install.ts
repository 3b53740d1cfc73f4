import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Folder of the peers' own package.json, from the root of this package. */
export const PEERS_FOLDER = join('bench', 'peers');

/**
 * Installs ONNX Runtime into the peers' folder unless it is there: with scripts off, because its own script downloads
 * CUDA libraries that are not needed here.
 * @throws Error where npm is missing or fails.
 */
export function installPeers(root: string): void {
  const folder = join(root, PEERS_FOLDER);
  if (existsSync(join(folder, 'node_modules', 'onnxruntime-node', 'package.json'))) return;
  // What npm says goes to standard error: standard output is for the table.
  const { status, error } = spawnSync('npm', ['ci', '--ignore-scripts'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
    // npm is a script on Windows, which only a shell can start.
    shell: process.platform === 'win32',
  });
  if (status === 0) return;
  throw new Error(
    `onnxruntime-node could not be installed (${error?.message ?? `npm ci ended with ${status}`}): run npm ci --ignore-scripts in ${folder}`,
  );
}
