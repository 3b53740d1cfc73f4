import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memorySource } from '../../src/checkpoints/source.js';
import type { CaseSources } from '../../src/verification/case-report.js';
import { type Files, goldenFiles, jsonOf } from './folders.js';
import { type FormulaFile, formulaFile } from './formula-tensors.js';
import { GOLDENS } from './golden-cases.js';

/** Files of a case that are too large for the repository: WARMSTEP_GOLDENS, or a folder beside the repository. */
const SHARED = process.env['WARMSTEP_GOLDENS'] ?? fileURLToPath(new URL('../../../shared/goldens', import.meta.url));

/** Files of a folder of an image case, with what `description` says a formula makes of it. */
function generated(files: Files, description: string): Files {
  if (!(description in files)) return files;
  const made = jsonOf(files, description) as FormulaFile;
  return { ...files, [made.file]: formulaFile(made) };
}

/** The folders of a case of test/goldens/images, as `verifyCase` takes them; undefined where its weights are not at hand. */
export function imageCaseSources(name: string): CaseSources | undefined {
  const folder = `images/${name}`;
  const policy = generated(goldenFiles(`${folder}/policy`), 'weights.json');
  if (!('model.safetensors' in policy)) {
    const path = `${SHARED}/${name}/policy/model.safetensors`;
    if (!existsSync(path)) {
      console.info(`left out: ${name}. Its weights are not in ${SHARED}; WARMSTEP_GOLDENS names the folder of recorded cases.`);
      return undefined;
    }
    policy['model.safetensors'] = new Uint8Array(readFileSync(path));
  }
  return {
    golden: memorySource(name, generated(goldenFiles(folder), 'inputs.json')),
    policy: memorySource(`${name}/policy`, policy),
    predictor: existsSync(join(GOLDENS, folder, 'predictor'))
      ? memorySource(`${name}/predictor`, generated(goldenFiles(`${folder}/predictor`), 'weights.json'))
      : undefined,
  };
}
