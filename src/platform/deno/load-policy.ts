import type { CheckpointSource } from '../../checkpoints/source.js';
import type { Policy } from '../../policy/policy.js';
import { loadPolicyIn } from '../load-policy.js';
import { folderSource } from '../node/folder-source.js';
import { hubSource } from '../node/hub/hub-source.js';
import type { LoadPolicyOptions } from '../options.js';
import { openDevice } from './device.js';

/** Loads a checkpoint from a folder, an address or any source; see surface.ts. */
export function loadPolicy(source: string | CheckpointSource, options: LoadPolicyOptions = {}): Promise<Policy> {
  return loadPolicyIn({ folderSource, hubSource, openDevice }, source, options);
}
