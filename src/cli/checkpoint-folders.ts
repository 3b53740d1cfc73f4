import { join } from 'node:path';
import { packageInfo } from '../platform/node/environment.js';

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

/** What the command line names; without a policy the bundled one, whose predictor goes with it. */
export function checkpointFolders(values: { readonly policy?: string; readonly predictor?: string }): CheckpointFolders {
  if (values.policy !== undefined) return { policy: values.policy, predictor: values.predictor };
  const bundled = bundledCheckpoint();
  return { policy: bundled.policy, predictor: values.predictor ?? bundled.predictor };
}
