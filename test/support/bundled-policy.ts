import { afterAll, beforeAll } from 'vitest';
import { folderSource } from '../../src/platform/node/folder-source.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import type { Policy } from '../../src/policy/policy.js';
import { useTestDevice } from './device.js';

const BUNDLED = new URL('../../checkpoints/pusht-state/', import.meta.url).pathname;

/** The bundled policy and its predictor, for the tests of a block. */
export function useBundledPolicy(): () => Policy {
  const device = useTestDevice();
  let policy: Policy | undefined;
  beforeAll(async () => {
    policy = await loadPolicy(await folderSource(`${BUNDLED}policy`), {
      device: device(),
      networks: { predictor: await folderSource(`${BUNDLED}predictor`) },
    });
  });
  afterAll(() => policy?.dispose());
  return () => policy as Policy;
}
