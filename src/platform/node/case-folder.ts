import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckpointSource } from '../../checkpoints/source.js';
import type { CaseSources } from '../../verification/case-report.js';
import { folderSource } from './folder-source.js';

/**
 * The folders of a case on disk: `case.json` and `case.safetensors`, `policy/` (or the folder that `case.json` names, relative to the
 * case), for STEP `predictor/`, and `network/` and `prior/` of a method with networks of its own. Cases of such a network, or of a predictor alone,
 * have no policy.
 */
export async function caseFolder(folder: string): Promise<CaseSources> {
  const golden = await folderSource(folder);
  const policy = join(folder, await policyFolder(folder));
  const beside = async (name: string): Promise<CheckpointSource | undefined> =>
    existsSync(join(folder, name)) ? folderSource(join(folder, name)) : undefined;
  const [predictor, prior] = [await beside('predictor'), await beside('prior')];
  const networkFolder = join(folder, 'network');
  const network = existsSync(networkFolder) ? () => folderSource(networkFolder) : undefined;
  return {
    golden,
    policy: existsSync(policy) || !(predictor ?? network) ? await folderSource(policy) : undefined,
    predictor,
    network,
    prior,
  };
}

/** What is wrong with `case.json` itself is said when the case is opened. */
async function policyFolder(folder: string): Promise<string> {
  try {
    const { policy } = JSON.parse(await readFile(join(folder, 'case.json'), 'utf8')) as { readonly policy?: unknown };
    return typeof policy === 'string' ? policy : 'policy';
  } catch {
    return 'policy';
  }
}
