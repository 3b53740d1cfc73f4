import type { PostableFiles } from 'warmstep/worker';

/** A policy and, where there is one, its predictor. */
export interface ChosenCheckpoint {
  readonly policy: PostableFiles;
  readonly predictor: PostableFiles | undefined;
}

/** Folders are searched as deep as checkpoints lie: `checkpoints/last/pretrained_model`. */
const MOST_LEVELS = 5;
const MOST_FILES = 2000;

/** Files of an `<input webkitdirectory>`, by folder. */
export function foldersOfInput(files: Iterable<File>): Map<string, File[]> {
  return byFolder([...files].map((file) => [file.webkitRelativePath || file.name, file]));
}

/** Files of folders that were dropped, by folder. */
export async function foldersOfDrop(items: Iterable<DataTransferItem>): Promise<Map<string, File[]>> {
  // Entries have to be taken before anything is waited for.
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  const found: [string, File][] = [];
  for (const entry of entries) await walk(entry, found, MOST_LEVELS);
  return byFolder(found);
}

async function walk(entry: FileSystemEntry, found: [string, File][], levels: number): Promise<void> {
  if (found.length >= MOST_FILES) return;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    found.push([entry.fullPath.replace(/^\//, ''), file]);
  } else if (levels > 0) {
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
      const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (some.length === 0) break;
      for (const one of some) await walk(one, found, levels - 1);
    }
  }
}

function byFolder(files: readonly (readonly [string, File])[]): Map<string, File[]> {
  const folders = new Map<string, File[]>();
  for (const [path, file] of files) {
    const folder = path.split('/').slice(0, -1).join('/');
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  return folders;
}

/**
 * The policy among folders, and the STEP predictor where there is one: told by their config.json.
 * @throws Error where there is no policy, saying what was found.
 */
export async function checkpointAmong(folders: ReadonlyMap<string, readonly File[]>): Promise<ChosenCheckpoint> {
  let policy: PostableFiles | undefined;
  let predictor: PostableFiles | undefined;
  for (const [name, files] of folders) {
    const config = files.find((file) => file.name === 'config.json');
    if (!config || !files.some((file) => file.name === 'model.safetensors')) continue;
    const type = await typeOf(config);
    if (type === 'step_predictor') predictor ??= { name: name || 'predictor', files };
    else policy ??= { name: name || 'policy', files };
  }
  if (policy) return { policy, predictor };
  const names = [...folders.values()].flat().map((file) => file.name);
  throw new Error(
    `Expected a folder with config.json and model.safetensors, found ${names.length === 0 ? 'no files' : names.slice(0, 6).join(', ')}. ` +
      'Drop the whole checkpoint folder.',
  );
}

async function typeOf(config: File): Promise<unknown> {
  try {
    return (JSON.parse(await config.text()) as { type?: unknown }).type;
  } catch {
    // Loading says what is wrong with it.
    return undefined;
  }
}
