import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { McapTypes } from '@mcap/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControlLoop } from '../../src/entries/control.js';
import { recordLoop } from '../../src/entries/recording.js';
import { loadPolicy } from '../../src/platform/node/index.js';
import { repositoryPath, warmstep, warmstepJson } from '../support/captured.js';
import { MemoryFile } from '../support/recorded-loop.js';

const POLICY = repositoryPath('test/goldens/step-forward-noise/policy');
const PREDICTOR = repositoryPath('test/goldens/step-forward-noise/predictor');
const DECISIONS = 4;

interface Report {
  readonly repeated: { readonly same: number; readonly different: number; readonly notRepeatable: readonly unknown[] };
  readonly firstDifference: { readonly row: number; readonly dimension: number } | null;
  readonly notes: readonly string[];
}

describe('warmstep replay', () => {
  let folder: string;
  let file: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warmstep-replay-'));
    file = join(folder, 'run.mcap');
    const policy = await loadPolicy(POLICY, { networks: { predictor: PREDICTOR }, seed: 7 });
    const loop = new ControlLoop(policy, { tickMs: 5, late: 'hold', send: () => {}, onStop: () => {} });
    const memory = new MemoryFile();
    const recording = await recordLoop(loop, memory);
    let tick = 0;
    const observe = (): void => {
      tick++;
      const names = policy.info.observations.flatMap((one) => (one.kind === 'image' ? [] : [[one.name, one.size] as const]));
      loop.observe(Object.fromEntries(names.map(([name, size]) => [name, Array.from({ length: size }, (_, i) => 100 + i + (tick % 50))])));
    };
    observe();
    loop.on('tick', observe);
    loop.on('decision', () => void (loop.metrics.decisions >= DECISIONS && loop.stop()));
    loop.start();
    await loop.stopped;
    await recording.closed;
    await policy.dispose();
    await writeFile(file, memory.bytes);
  });

  afterAll(() => rm(folder, { recursive: true }));

  type McapRecord = McapTypes.TypedMcapRecord;

  /** The recording written anew, with records changed: a changed byte would be found by a checksum. */
  async function rewrite(to: string, change: (record: McapRecord, topic: string | undefined) => McapRecord): Promise<void> {
    const { McapWriter, McapStreamReader } = await import('@mcap/core');
    const reader = new McapStreamReader();
    reader.append(await readFile(file));
    const memory = new MemoryFile();
    let position = 0n;
    const writer = new McapWriter({
      writable: {
        position: () => position,
        write: async (bytes) => {
          memory.write(bytes);
          position += BigInt(bytes.length);
        },
      },
    });
    await writer.start({ profile: '', library: 'forged' });
    const topics = new Map<number, string>();
    for (let read = reader.nextRecord(); read; read = reader.nextRecord()) {
      const record = change(read, read.type === 'Message' ? topics.get(read.channelId) : undefined);
      if (record.type === 'Metadata') await writer.addMetadata(record);
      if (record.type === 'Schema' && !topics.size) await writer.registerSchema(record);
      if (record.type === 'Channel' && !topics.has(record.id)) {
        await writer.registerChannel({ ...record, schemaId: 0 });
        topics.set(topics.size, record.topic);
      }
      if (record.type === 'Message') await writer.addMessage(record);
    }
    await writer.end();
    await writeFile(to, memory.bytes);
  }

  const replay = (name: string): Promise<Report> => warmstepJson<Report>('replay', name, '--policy', POLICY, '--predictor', PREDICTOR);

  it('draws over no recording, and says which one is missing', async () => {
    expect(await warmstep('replay', file, '--plot', file)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--plot must be another file'),
    });
    const missing = join(folder, 'missing.mcap');
    expect(await warmstep('replay', missing)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${missing}: there is no such file`),
    });
  });

  it('repeats every decision of a loop in real time with the same bits, with the recorded strategy, and draws it', async () => {
    const plot = join(folder, 'run.svg');
    const report = await warmstepJson<Report>('replay', file, '--policy', POLICY, '--predictor', PREDICTOR, '--plot', plot);
    // The decision whose listener stops the loop may come before the recorder's.
    expect(report.repeated.same).toBeGreaterThanOrEqual(DECISIONS - 1);
    expect(report).toMatchObject({ repeated: { different: 0, notRepeatable: [] }, firstDifference: null, notes: [] });
    expect(await readFile(plot, 'utf8')).toMatch(/^<svg [\s\S]*<polyline/);
  });

  it('says where a chunk differs first, and ends with 1', async () => {
    const forged = join(folder, 'forged.mcap');
    let isForged = false;
    await rewrite(forged, (record, topic) => {
      if (isForged || record.type !== 'Message' || topic !== '/chunk') return record;
      isForged = true;
      const chunk = JSON.parse(new TextDecoder().decode(record.data)) as { chunk: number[] };
      chunk.chunk[5] = (chunk.chunk[5] as number) + 1;
      return { ...record, data: new TextEncoder().encode(JSON.stringify(chunk)) };
    });
    const { code, stdout } = await warmstep('replay', forged, '--policy', POLICY, '--predictor', PREDICTOR);
    expect(code).toBe(1);
    expect(stdout).toMatch(/first difference: decision 1, of tick \d+, row 2, dimension 1: /);
  });

  it.each([
    ['strategyOptions', 'DDIM', /^warmstep: "strategyOptions" of the recording is damaged \(.*\): give --strategy/],
    ['strategyOptions', '{"budget":2}', /"strategyOptions" .* damaged \(.*name of the strategy must be a text, found undefined\.\)/],
    [
      'strategyOptions',
      '{"name":"STEP","budget":"two"}',
      /^warmstep: "strategyOptions" .* damaged \(strategy STEP: budget must .*"two"\.\): give --str/,
    ],
    [
      'strategyOptions',
      '{"name":"STEP","warmStart":{"mode":"eq31"}}',
      /^warmstep: "strategyOptions" .* damaged \(strategy STEP: warmStart: mode must be one of .*found eq31\.\): give/,
    ],
    ['strategyOptions', '{"name":"Foo"}', /^warmstep: "strategyOptions" .* damaged \(there is no strategy Foo\): give --strategy/],
    ['precision', 'f64', /^warmstep: "precision" of the recording must be one of f32, .*, found "f64": give --precision/],
  ])('a recording whose %s is %s is at fault, not the command line', async (key, value, message) => {
    const damaged = join(folder, 'damaged.mcap');
    await rewrite(damaged, (record) =>
      record.type === 'Metadata' ? { ...record, metadata: new Map(record.metadata).set(key, value) } : record,
    );
    expect(await warmstep('replay', damaged, '--policy', POLICY, '--predictor', PREDICTOR)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(message),
    });
  });

  it('tells of a file that was cut, and refuses what it cannot use before weights are read', async () => {
    const bytes = await readFile(file);
    const cut = join(folder, 'cut.mcap');
    await writeFile(cut, bytes.subarray(0, bytes.length - 40));
    const { code, stdout } = await warmstep('replay', cut);
    expect(code).toBe(0);
    expect(stdout).toMatch(/cut off after \d+ bytes/);
    expect((await replay(cut)).repeated.different).toBe(0);
    expect((await warmstep('replay', file, '--policy', POLICY)).stderr).toMatch(/recorded with STEP.*give --predictor/);
    const unused = ['--predictor', PREDICTOR, '--network', repositoryPath('test/goldens/methods/onedp-s/network')];
    expect((await warmstep('replay', file, '--policy', POLICY, ...unused)).stderr).toMatch(
      /^note: STEP needs no network of type "onedp": the --network of this type is not used\.\n/,
    );
    expect((await warmstep('replay', join(POLICY, 'config.json'))).stderr).toMatch(/expected a recording of recordLoop/);
    expect((await warmstep('replay')).code).toBe(2);
    const given = ['--predictor', PREDICTOR, '--strategy', 'step:2/start=eq31'];
    expect(await warmstep('replay', file, '--policy', POLICY, ...given)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/strategy "step:2\/start=eq31": start must be one of/),
    });
  });
});
