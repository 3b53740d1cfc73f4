import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Folder of this bench's own package.json, from the root of the package. */
export const SERVER_FOLDER = join('bench', 'server');

/**
 * Installs bufferutil into the bench's folder unless it is there, with scripts off: where the package has no binary for this machine, building one
 * is left to whoever wants it (`npm rebuild` there). Returns why it could not be installed, where that is so.
 */
export function installNativeMasks(root: string): string | undefined {
  const folder = join(root, SERVER_FOLDER);
  if (existsSync(join(folder, 'node_modules', 'bufferutil', 'package.json'))) return undefined;
  // What npm says goes to standard error: standard output is for the table.
  const { status, error } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
    // npm is a script on Windows, which only a shell can start.
    shell: process.platform === 'win32',
  });
  return status === 0 ? undefined : `bufferutil could not be installed (${error?.message ?? `npm ci ended with ${status}`})`;
}
