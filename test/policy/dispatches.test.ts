import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { folderSource } from '../../src/platform/node/folder-source.js';
import { loadPolicy } from '../../src/policy/load-policy.js';
import { useTestDevice } from '../support/device.js';

const BUNDLED = fileURLToPath(new URL('../../checkpoints/pusht-state/', import.meta.url));

describe('the plan of the bundled policy', () => {
  const device = useTestDevice();

  // Each dispatch costs a few microseconds on a large GPU: whoever adds one should know, and change the number here.
  it('has this many dispatches per decision', async () => {
    const policy = await loadPolicy(await folderSource(`${BUNDLED}policy`), {
      device: device(),
      networks: { predictor: await folderSource(`${BUNDLED}predictor`) },
    });
    const counts: Record<string, number | undefined> = {};
    for (const budget of [1, 2, 4]) {
      policy.useStrategy({ name: 'STEP', budget });
      await policy.warmup();
      counts[policy.info.strategy] = policy.info.dispatches;
    }
    policy.useStrategy({ name: 'DDIM', steps: 2 });
    await policy.warmup();
    counts[policy.info.strategy] = policy.info.dispatches;
    expect(counts).toEqual({
      'STEP 1 (forward-noise, cold DDIM 16)': 101,
      'STEP 2 (forward-noise, cold DDIM 16)': 162,
      'STEP 4 (forward-noise, cold DDIM 16)': 284,
      'DDIM 2': 126,
    });
    await policy.dispose();
  });
});
