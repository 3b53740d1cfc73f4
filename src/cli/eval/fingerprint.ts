import { packageInfo } from '../../platform/node/environment.js';
import { variantFile } from '../../platform/node/variants.js';
import type { Policy } from '../../policy/policy.js';
import type { CheckpointFolders } from '../checkpoint-folders.js';
import { hashCheckpoint, hashFile } from './checkpoint-hash.js';

/** What an evaluation depends on besides strategy and seed, for its journal. */
export interface Fingerprint {
  /** What all strategies depend on. */
  readonly common: Readonly<Record<string, string | null>>;
  /** Of networks of methods, by their types: each of its own strategies alone depends on it. */
  readonly networks: ReadonlyMap<string, string>;
}

/** Of the policy of these folders, on the device that it is on. */
export async function fingerprintOf(policy: Policy, { policy: folder, predictor, methods }: CheckpointFolders): Promise<Fingerprint> {
  const { precision, adapter, methods: types } = policy.info;
  const networks = new Map<string, string>();
  // The types that the policy was loaded with are in the order of the folders.
  for (const [index, method] of methods.entries()) networks.set(types[index] as string, await hashCheckpoint(method));
  const common = {
    version: packageInfo().version,
    policy: await hashCheckpoint(folder),
    predictor: predictor === undefined || predictor === 'shift' ? (predictor ?? null) : await hashCheckpoint(predictor),
    precision,
    adapter: adapter.description,
    // Other tilings add in another order, and a last digit becomes another episode in closed loop.
    ...(adapter.variants === 'shipped' ? {} : { variants: hashFile(variantFile(adapter)) }),
  };
  return { common, networks };
}

/** In one, for parts of an evaluation; networks in any order: each is of another type. */
export function ofAllStrategies({ common, networks }: Fingerprint): Fingerprint['common'] {
  return networks.size === 0 ? common : { ...common, networks: [...networks.values()].sort().join(' ') };
}
