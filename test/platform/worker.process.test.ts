import { once } from 'node:events';
import { SHARE_ENV, Worker, type WorkerOptions } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { repositoryPath } from '../support/captured.js';

/** What a worker thread gets that asks for an adapter: what it says of itself, or what was thrown. Runs what is built. */
async function adapterInWorker(adapter: string, options: WorkerOptions = {}): Promise<string> {
  const entry = repositoryPath('dist/src/platform/node/index.js');
  const code = `
    const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(entry)}).then(async ({ openDevice }) => {
      const device = await openDevice({ adapter: ${JSON.stringify(adapter)} });
      parentPort.postMessage(device.adapter.description);
      device.dispose();
    }).catch((error) => parentPort.postMessage(error.name + ': ' + error.message));`;
  const worker = new Worker(code, { eval: true, ...options });
  const [[message]] = (await Promise.all([once(worker, 'message'), once(worker, 'exit')])) as [[string], unknown];
  return message;
}

// SwiftShader is bundled for Linux x64 alone.
describe.runIf(process.platform === 'linux' && process.arch === 'x64')('a worker thread', () => {
  // The order counts: drivers are chosen once per process, and nothing has chosen any in this one.
  it('whose environment is a copy does not get another adapter than it asked for: an error says what to do', async () => {
    expect(await adapterInWorker('swiftshader')).toMatch(/^NoAdapterError: swiftshader was asked for.*worker thread.*SHARE_ENV/);
  });

  it('that shares the environment gets it', async () => {
    expect(await adapterInWorker('swiftshader', { env: SHARE_ENV })).toMatch(/swiftshader/i);
  });

  it('gets it as well once it was opened where drivers can see the environment', async () => {
    expect(await adapterInWorker('swiftshader')).toMatch(/swiftshader/i);
  });
});
