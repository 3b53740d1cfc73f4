import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../src/checkpoints/source.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';

const folder = fileURLToPath(new URL('../goldens/state-bias-film', import.meta.url));

/** Files of a folder, after `change`. */
function files(path: string, change: (name: string, bytes: Buffer) => Buffer): Record<string, Uint8Array> {
  const names = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
  return Object.fromEntries(names.map((name) => [name, new Uint8Array(change(name, readFileSync(join(path, name))))]));
}

describe('a case whose preprocessor renames an observation', () => {
  const device = useTestDevice();

  it("is verified: inputs carry the robot's name, expected values the policy's", async () => {
    // Names of one length, so that the offsets in the header stay true.
    const golden = files(folder, (_, bytes) =>
      Buffer.from(bytes.toString('latin1').replaceAll('input.observation.state', 'input.observation.proxy'), 'latin1'),
    );
    const policy = files(join(folder, 'policy'), (name, bytes) =>
      name === 'policy_preprocessor.json'
        ? Buffer.from(bytes.toString().replace('"rename_map": {}', '"rename_map": { "observation.proxy": "observation.state" }'))
        : bytes,
    );
    expect(new TextDecoder().decode(policy['policy_preprocessor.json'])).toContain('observation.proxy');
    const report = await verifyCase({ golden: memorySource('renamed', golden), policy: memorySource('policy', policy) }, device());
    expect(report.tensors.map(({ name }) => name)).toContain('expected.normalized.observation.state');
    expect(report.tensors.filter((tensor) => !tensor.pass)).toEqual([]);
  });
});
