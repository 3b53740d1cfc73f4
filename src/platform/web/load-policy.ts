import type { CheckpointSource } from '../../checkpoints/source.js';
import { OptionError } from '../../foundation/errors.js';
import { shownValue } from '../../foundation/shown.js';
import type { Policy } from '../../policy/policy.js';
import { loadPolicyIn } from '../load-policy.js';
import type { LoadPolicyOptions } from '../options.js';
import { openDevice } from './device.js';
import { hubSource } from './hub-source.js';

/** Loads a checkpoint from a source; see surface.ts. @throws OptionError for a path. */
export function loadPolicy(source: string | CheckpointSource, options: LoadPolicyOptions = {}): Promise<Policy> {
  return loadPolicyIn({ folderSource, hubSource, openDevice }, source, options);
}

/** @throws OptionError always: only Node reads folders. */
export async function folderSource(folder: string): Promise<CheckpointSource> {
  throw new OptionError(
    `"${shownValue(folder)}": expected a source, found a path, and this runtime reads no folders. Give the files instead: ` +
      'its http(s) address, hf:owner/name, blobSource(name, files) with what was picked or dropped, or memorySource(name, files).',
  );
}
