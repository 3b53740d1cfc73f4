import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CaseSources } from '../../verification/verify-case.js';
import { folderSource } from './folder-source.js';

/** The folders of a case on disk: `case.json` and `case.safetensors`, `policy/`, and for STEP `predictor/`. */
export async function caseFolder(folder: string): Promise<CaseSources> {
  return {
    golden: await folderSource(folder),
    policy: await folderSource(join(folder, 'policy')),
    predictor: existsSync(join(folder, 'predictor')) ? await folderSource(join(folder, 'predictor')) : undefined,
  };
}
