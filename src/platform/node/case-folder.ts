import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CaseSources } from '../../verification/case-report.js';
import { folderSource } from './folder-source.js';

/**
 * The folders of a case on disk: `case.json` and `case.safetensors`, `policy/` (or the folder that `case.json` names, relative to the
 * case), and for STEP `predictor/`. Cases of a predictor alone have no policy.
 */
export async function caseFolder(folder: string): Promise<CaseSources> {
  const golden = await folderSource(folder);
  const policy = join(folder, await policyFolder(folder));
  const predictor = join(folder, 'predictor');
  return {
    golden,
    policy: existsSync(policy) || !existsSync(predictor) ? await folderSource(policy) : undefined,
    predictor: existsSync(predictor) ? await folderSource(predictor) : undefined,
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
