import { join } from 'node:path';
import { packageInfo } from '../platform/node/environment.js';
import { printNote } from '../terminal/output.js';
import { localFolder } from './local-folder.js';

/** Where a policy lies, its predictor, a folder or "shift", and networks of methods. */
export interface CheckpointFolders {
  readonly policy: string;
  readonly predictor: string | undefined;
  readonly methods: readonly string[];
}

/** The task of the policy that comes with the package. */
export const BUNDLED_TASK = 'push-t';

/** The policy that comes with the package, its predictor, and scores of another implementation. */
export function bundledCheckpoint(): { readonly policy: string; readonly predictor: string; readonly scores: string } {
  const folder = join(packageInfo().root, 'checkpoints', 'pusht-state');
  return { policy: join(folder, 'policy'), predictor: join(folder, 'predictor'), scores: join(folder, 'scores.json') };
}

/** Says which policy it is that nobody has named, and where it lies. */
export function noteBundled(): void {
  printNote(`the policy is the bundled one, for Push-T: ${bundledCheckpoint().policy}`);
}

/** What the command line names, loaded from the Hub where it says so; without a policy the bundled one, whose predictor goes with it. */
export async function checkpointFolders(values: {
  readonly policy?: string;
  readonly predictor?: string;
  readonly network?: readonly string[];
}): Promise<CheckpointFolders> {
  const predictor = values.predictor === undefined ? undefined : await localFolder(values.predictor);
  const methods = await localFolders(values.network);
  if (values.policy !== undefined) return { policy: await localFolder(values.policy), predictor, methods };
  const bundled = bundledCheckpoint();
  noteBundled();
  return { policy: bundled.policy, predictor: predictor ?? bundled.predictor, methods };
}

/** Folders of --network, loaded from the Hub where they say so. */
export async function localFolders(named: readonly string[] = []): Promise<string[]> {
  const folders: string[] = [];
  for (const name of named) folders.push(await localFolder(name));
  return folders;
}
