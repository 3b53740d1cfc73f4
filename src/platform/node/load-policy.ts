import type { CheckpointSource } from '../../checkpoints/source.js';
import type { Policy } from '../../policy/policy.js';
import { loadPolicyIn } from '../load-policy.js';
import type { LoadPolicyOptions } from '../options.js';
import { openDevice } from './device.js';
import { folderSource } from './folder-source.js';
import { hubSource } from './hub/hub-source.js';

/**
 * Loads a checkpoint from a folder (or any source), ready to act; see surface.ts.
 * @throws as the core's loadPolicy; CheckpointError where there is no such folder, where something else than regular files lies in
 * it, and where a file was written to or replaced while it was read.
 */
export function loadPolicy(source: string | CheckpointSource, options: LoadPolicyOptions = {}): Promise<Policy> {
  return loadPolicyIn({ folderSource, hubSource, openDevice }, source, options);
}
