import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** LeRobot trains into outputs/train/DATE/RUN/checkpoints/STEP/pretrained_model. */
const MOST_LEVELS = 7;
/** Enough for a training run; a home folder shall not be searched for minutes to word an error. */
const MOST_FOLDERS = 300;
const MOST_FOUND = 3;
const NEVER_ENTERED = new Set(['node_modules', '__pycache__', 'wandb']);

/** Folders below one that hold a file of this name, as paths that can be given; the newest checkpoint of a training run first. */
export async function foldersWith(folder: string, file: string): Promise<readonly string[]> {
  const found: string[] = [];
  const seen = new Set<string>();
  let left = MOST_FOLDERS;
  for (let level = [folder], depth = 0; depth <= MOST_LEVELS && level.length > 0; depth++) {
    const next: string[] = [];
    for (const path of level) {
      if (left-- === 0 || found.length === MOST_FOUND) return found;
      const names = await readdir(path).catch((): string[] => []);
      if (depth > 0 && names.includes(file)) found.push(path);
      else next.push(...(await subfolders(path, names, seen)));
    }
    level = next;
  }
  return found;
}

/** Through symbolic links as well, of which LeRobot makes checkpoints/last; every folder once. */
async function subfolders(path: string, names: readonly string[], seen: Set<string>): Promise<string[]> {
  const folders: string[] = [];
  for (const name of [...names].sort(likelierFirst).slice(0, MOST_FOLDERS)) {
    if (name.startsWith('.') || NEVER_ENTERED.has(name)) continue;
    const found = await stat(join(path, name)).catch(() => undefined);
    const key = `${found?.dev}:${found?.ino}`;
    if (!found?.isDirectory() || seen.has(key)) continue;
    seen.add(key);
    folders.push(join(path, name));
  }
  return folders;
}

/** "last", then the highest step. */
function likelierFirst(a: string, b: string): number {
  if (a === 'last' || b === 'last') return a === 'last' ? -1 : 1;
  return b.localeCompare(a, 'en', { numeric: true });
}
