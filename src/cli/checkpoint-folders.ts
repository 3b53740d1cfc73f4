import { join } from 'node:path';
import { packageInfo } from '../platform/node/environment.js';
import { localFolder } from './local-folder.js';

/** Where a policy lies, and its predictor: a folder, or "shift". */
export interface CheckpointFolders {
  readonly policy: string;
  readonly predictor: string | undefined;
}

/** The task of the policy that comes with the package. */
export const BUNDLED_TASK = 'push-t';

/** The policy that comes with the package, and its predictor. */
export function bundledCheckpoint(): { readonly policy: string; readonly predictor: string } {
  const folder = join(packageInfo().root, 'checkpoints', 'pusht-state');
  return { policy: join(folder, 'policy'), predictor: join(folder, 'predictor') };
}

/** What the command line names, loaded from the Hub where it says so; without a policy the bundled one, whose predictor goes with it. */
export async function checkpointFolders(values: { readonly policy?: string; readonly predictor?: string }): Promise<CheckpointFolders> {
  const predictor = values.predictor === undefined ? undefined : await localFolder(values.predictor);
  if (values.policy !== undefined) return { policy: await localFolder(values.policy), predictor };
  const bundled = bundledCheckpoint();
  return { policy: bundled.policy, predictor: predictor ?? bundled.predictor };
}
