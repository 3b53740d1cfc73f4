import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import type { Policy } from '../../src/policy/policy.js';
import { serveLeRobot } from '../../src/sockets/lerobot/serve-lerobot.js';
import { servePolicy } from '../../src/sockets/openpi/serve-policy.js';
import { repositoryPath } from '../support/captured.js';
import { CAMERA, PretendPolicy, STATE } from '../support/pretend-policy.js';
import { printedBy, pythonLacks, runPython } from '../support/python.js';

const pretended = (): Policy => new PretendPolicy({ observations: [STATE, CAMERA] }) as unknown as Policy;
const KEY = 'a-key-of-the-test';

/** Rows of the pretended policy for frames that do not move. */
const rows = (x: number, y: number): number[][] => [0, 1, 2].map((row) => [x + row, y + row]);

const openpiLacks = pythonLacks(['msgpack', 'numpy', 'websockets']);
it.skipIf(openpiLacks !== undefined)(
  `a Python client of openpi is served${openpiLacks === undefined ? '' : `; skipped: ${openpiLacks}`}`,
  async () => {
    const server = await servePolicy(pretended(), { port: 0, apiKey: KEY });
    try {
      const found = await runPython(new URL('openpi_client.py', import.meta.url), server.url, KEY);
      const by = (check: string): Record<string, unknown> | undefined => found.find((one) => one['check'] === check);
      expect(by('metadata')?.['metadata']).toMatchObject({ policy: 'pretend', action_steps: 3, observation_steps: 2 });
      expect(by('no key')).toMatchObject({ refused: 401 });
      for (const check of ['f32', 'f64', 'big-endian', 'f16', 'strided', 'row', 'list', 'scalars', 'window']) {
        expect(by(check), check).toMatchObject({
          actions: rows(1.5, -2),
          dtype: '<f4',
          shape: [3, 2],
          timing: ['infer_ms'],
          types: ['float'],
        });
      }
      for (const check of ['planes', 'floats', 'float planes']) expect(by(check), check).toMatchObject({ actions: rows(1.5, -2) });
      for (const [check, words] of [
        ['a missing key', '"observation.state" is missing'],
        ['a wrong size', 'must be 2 numbers'],
        ['nan', 'NaN at index 0'],
        ['a wrong picture', 'must be an image [4, 6, 3]'],
      ] as const) {
        expect(by(check), check).toMatchObject({ code: 1011, error: expect.stringContaining(words) as unknown });
      }
      expect(by('two clients')).toMatchObject({ equal: true });
    } finally {
      await server.close();
    }
  },
);

it.skipIf(openpiLacks !== undefined)("the client of the server's page works as it is printed", async () => {
  const page = readFileSync(repositoryPath('docs/openpi-server.md'), 'utf8');
  const folder = mkdtempSync(join(tmpdir(), 'warmstep-page-'));
  const file = join(folder, 'client.py');
  writeFileSync(file, /```python\n([\s\S]*?)```/.exec(page)?.[1] as string);
  const name = 'observation.environment_state';
  const policy = new PretendPolicy({ observations: [STATE, { kind: 'vector', name, feature: name, size: 16 }] });
  const server = await servePolicy(policy as unknown as Policy, { port: 0 });
  try {
    const lines = (await printedBy(pathToFileURL(file), server.url)).split('\n');
    expect(lines[0]).toMatch(/^serves pretend which reads \{'observation\.state'/);
    expect(lines.slice(1)).toEqual(new Array(3).fill(expect.stringMatching(/^actions \(3, 2\) in [\d.]+ ms$/)));
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
  }
});

const lerobotLacks = pythonLacks(['grpc', 'numpy']);
it.skipIf(lerobotLacks !== undefined)(
  `a Python client of LeRobot is served${lerobotLacks === undefined ? '' : `; skipped: ${lerobotLacks}`}`,
  async () => {
    const policy = pretended();
    const server = await serveLeRobot(policy, { port: 0, fps: 10, leastMs: 0 });
    try {
      const found = await runPython(new URL('lerobot_client.py', import.meta.url), server.address);
      const answers = found.filter((one) => 'protocol' in one);
      expect(answers.length).toBe(4);
      answers.forEach(({ actions }, i) => {
        const [x, y, step] = i % 2 === 0 ? [1.5, -2, 0] : [1004, 1001, 3];
        const wanted = rows(x, y).map((action, row) => [
          'TimedAction',
          step + row,
          expect.closeTo(100 + (step + row) / 10, 9),
          action,
          expect.stringContaining('float32'),
        ]);
        expect(actions).toEqual(wanted);
      });
      expect(found.at(-1)).toMatchObject({
        code: 'INVALID_ARGUMENT',
        evil: expect.stringContaining('refused the name posix.system') as unknown,
      });
      expect(existsSync('/tmp/warmstep-was-here')).toBe(false);
      const picture = (policy as unknown as PretendPolicy).windows[0]?.[CAMERA.name] as { bytes: Uint8Array }[];
      expect(new Set(picture[0]?.bytes)).toEqual(new Set([77]));
    } finally {
      await server.close();
    }
  },
);
