import { readFileSync } from 'node:fs';
import { McapIndexedReader } from '@mcap/core';
import { describe, expect, it, vi } from 'vitest';
import {
  plotRecording,
  RecordingError,
  type RepeatedDecision,
  readLoopRecording,
  recordLoop,
  replayDecisions,
} from '../../src/entries/recording.js';
import { NonFiniteError } from '../../src/foundation/errors.js';
import { VERSION } from '../../src/foundation/version.js';
import { exactJson, fromBase64, toBase64 } from '../../src/recording/json.js';
import type { ObservationInfo } from '../../src/spec/policy-spec.js';
import { MemoryFile, read, recordedLoop, repeater } from '../support/recorded-loop.js';
import { Simulation } from '../support/simulated.js';

async function repeated(
  recording: Parameters<typeof replayDecisions>[0],
  policy: Parameters<typeof replayDecisions>[1],
): Promise<RepeatedDecision[]> {
  const all: RepeatedDecision[] = [];
  for await (const one of replayDecisions(recording, policy)) all.push(one);
  return all;
}

const CAMERA: readonly ObservationInfo[] = [
  { kind: 'vector', name: 'observation.state', feature: 'observation.state', size: 1 },
  { kind: 'image', name: 'observation.image', feature: 'observation.image', height: 4, width: 6, channels: 3, features: 8 },
];

describe('a recorded loop', () => {
  it('tells what was observed, decided and sent, tick by tick, in milliseconds of the loop', async () => {
    const { file, simulation, summary } = await recordedLoop(40);
    const recording = await read(file.bytes);
    expect(file.isClosed).toBe(true);
    expect(summary.dropped).toEqual({});
    expect(recording.cut).toBeUndefined();
    expect(recording.actions.map(({ tick }) => tick)).toEqual(Array.from({ length: 40 }, (_, tick) => tick));
    const sent = recording.actions.filter((action) => action.sent);
    expect(sent.map(({ action }) => [...action])).toEqual(simulation.sent.map(({ action }) => action));
    expect(sent.length).toBeGreaterThan(30);
    expect(recording.actions[39]!.atMs - recording.actions[0]!.atMs).toBeCloseTo(39 * 20, 3);
    expect(recording.observations.map(({ values }) => values.get('state'))).toContainEqual(Float32Array.of(13 / 3));
    expect(recording.decisions.length).toBe(simulation.loop.metrics.decisions);
    expect(recording.decisions.map(({ latencyMs }) => latencyMs)).toEqual(recording.decisions.map(() => 50));
    expect(recording.decisions.map(({ stalled }) => stalled)).toEqual(recording.decisions.map((_, i) => i === 3));
    expect(Object.fromEntries(recording.metadata)).toMatchObject({ format: '1', warmstep: VERSION, horizon: '16', actionDim: '2' });
    expect(recording.log.at(-1)!.message).toMatch(/^the loop stopped \(requested\)/);
  });

  it('says which ticks were late, and which held', async () => {
    const latencyMs = (plan: number): number => (plan === 1 ? 400 : 50);
    const repeat = await read((await recordedLoop(60, { latencyMs, late: 'repeat' })).file.bytes);
    expect(repeat.actions.filter(({ late, held, sent }) => late && !held && sent).length).toBeGreaterThan(3);
    expect(repeat.log.map(({ message }) => message)).toContainEqual(expect.stringMatching(/late because of the decision/));
    const hold = await read((await recordedLoop(60, { latencyMs, late: 'hold' })).file.bytes);
    expect(hold.actions.filter(({ held, sent }) => held && !sent).length).toBeGreaterThan(3);
  });

  it('has an index and a JSON schema for every topic, so that viewers open it', async () => {
    const { file } = await recordedLoop(20);
    const { bytes } = file;
    const readable = {
      size: async () => BigInt(bytes.length),
      read: async (offset: bigint, size: bigint) => bytes.slice(Number(offset), Number(offset + size)),
    };
    const reader = await McapIndexedReader.Initialize({ readable });
    const topics = [...reader.channelsById.values()].map(({ topic, messageEncoding, schemaId }) => {
      const schema = reader.schemasById.get(schemaId)!;
      return [topic, messageEncoding, schema.encoding, JSON.parse(new TextDecoder().decode(schema.data)).type];
    });
    expect(topics.sort()).toEqual(
      ['/action', '/chunk', '/decision', '/log', '/observation'].map((topic) => [topic, 'json', 'jsonschema', 'object']),
    );
    const actions: unknown[] = [];
    for await (const message of reader.readMessages({ topics: ['/action'] }))
      actions.push(JSON.parse(new TextDecoder().decode(message.data)));
    expect(actions.length).toBe(20);
    expect(actions[10]).toMatchObject({ tick: 10, late: false, held: false, sent: true, source: 'decided' });
  });

  it('says which row of a chunk was executed first as the decision does', async () => {
    // Two frames before the newest, and a decision whose first row is 1.
    const { file } = await recordedLoop(12, { info: { observationSteps: 3 } });
    const rows = Buffer.concat(file.pieces)
      .toString('latin1')
      .match(/"firstRow":\d+/g);
    expect(new Set(rows)).toEqual(new Set(['"firstRow":1']));
  });

  it('gives what was written before it was cut, and says so', async () => {
    const { file } = await recordedLoop(1500);
    const whole = await read(file.bytes);
    for (const share of [0.5, 0.8]) {
      const cut = await read(file.bytes.slice(0, Math.floor(share * file.bytes.length)));
      expect(cut.cut).toMatch(/cut off after \d+ bytes/);
      expect(cut.actions.length).toBeGreaterThan(200);
      expect(cut.actions).toEqual(whole.actions.slice(0, cut.actions.length));
    }
    const damaged = file.bytes;
    // In the middle of a chunk: its checksum tells.
    const at = Buffer.from(damaged.buffer).indexOf('"tick":1000,"source"');
    damaged.fill(0x31, at + 7, at + 11);
    const rest = await read(damaged);
    expect(rest.cut).toMatch(/damaged before byte/);
    expect(rest.actions.length).toBeGreaterThan(200);
  });

  it('is read in pieces of any size', async () => {
    const { bytes } = (await recordedLoop(10)).file;
    const pieces = Array.from({ length: Math.ceil(bytes.length / 777) }, (_, i) => bytes.slice(777 * i, 777 * (i + 1)));
    expect(await readLoopRecording(pieces)).toEqual(await read(bytes));
  });
});

describe('a decision of a recording', () => {
  it('can be repeated from it: all bits are the same, over episodes', async () => {
    const { file, simulation } = await recordedLoop(60, {
      beforeStop: async (running) => {
        running.loop.reset();
        running.loop.observe({ state: [-0] });
        await running.run(40);
      },
    });
    const recording = await read(file.bytes);
    expect(recording.decisions.map(({ noiseKey }) => noiseKey!.episode)).toContain(1);
    const all = await repeated(recording, repeater(simulation.loop.info));
    expect(all.length).toBeGreaterThan(10);
    expect(all.map(({ outcome }) => outcome)).toEqual(all.map(() => 'same'));
  });

  it('differs where anything that it depends on does, and says where first', async () => {
    const { file, simulation } = await recordedLoop(60);
    const recording = await read(file.bytes);
    const { info } = simulation.loop;
    const honest = repeater(info);
    const outcomes = async (change: typeof honest.decide): Promise<string[]> =>
      (await repeated(recording, { info, decide: change })).map(({ outcome }) => outcome);
    const different = recording.decisions.map(() => 'different');
    expect(await outcomes((_, options) => honest.decide({ state: [-1, -2] }, options))).toEqual(different);
    expect(
      await outcomes((window, options) => honest.decide(window, { ...options, noiseKey: { ...options.noiseKey!, episode: 9 } })),
    ).toEqual(different);
    expect(
      (await outcomes((window, options) => honest.decide(window, { ...options, previous: options.previous!.slice(1) }))).slice(1),
    ).toEqual(different.slice(1));
    const [first] = await repeated(recording, {
      info,
      decide: async (window, options) => {
        const decision = await honest.decide(window, options);
        decision.chunk[7] = 0;
        decision.chunk[9] = 3;
        return decision;
      },
    });
    expect(first).toMatchObject({ outcome: 'different', difference: { row: 3, dimension: 1, recorded: -0, repeated: 0, values: 2 } });
  });

  it('from pictures is repeated from raw ones, of every format', async () => {
    const formats = [
      (tick: number) => ({ data: Uint8Array.from({ length: 72 }, (_, i) => (i * 7 + tick) % 256), height: 4, width: 6 }),
      (tick: number) => ({ data: Uint8Array.from({ length: 96 }, (_, i) => (i * 5 + tick) % 256), height: 4, width: 6 }),
      (tick: number) => ({ data: Float32Array.from({ length: 72 }, (_, i) => ((i + tick) % 9) / 8), height: 4, width: 6 }),
    ];
    for (const format of formats) {
      const observe = (tick: number) => ({ 'observation.state': [tick], 'observation.image': format(tick) });
      const { file, simulation } = await recordedLoop(30, { info: { observations: CAMERA }, observe });
      const recording = await read(file.bytes);
      expect(recording.pictures.size).toBe(31);
      const all = await repeated(recording, repeater(simulation.loop.info));
      expect(all.map(({ outcome }) => outcome)).toEqual(all.map(() => 'same'));
    }
  });

  it('that is not finite is left out, and says so; the others are repeated', async () => {
    const { file, simulation } = await recordedLoop(60);
    const recording = await read(file.bytes);
    const honest = repeater(simulation.loop.info);
    let asked = 0;
    const decide: typeof honest.decide = async (window, options) => {
      if (++asked === 2) throw new NonFiniteError('the chunk has NaN after step 1.');
      return honest.decide(window, options);
    };
    const all = await repeated(recording, { ...honest, decide });
    expect(all[1]).toMatchObject({
      outcome: 'not repeatable',
      why: 'the policy makes no finite chunk of it: the chunk has NaN after step 1.',
    });
    expect(all.length).toBe(recording.decisions.length);
    expect(all.filter(({ outcome }) => outcome === 'same').length).toBe(all.length - 1);
  });

  it('from pictures that are not there as they were is left out, and says so', async () => {
    const observe = (tick: number) => ({
      'observation.state': [tick],
      'observation.image': { data: new Uint8Array(72), height: 4, width: 6 },
    });
    const encode = vi.fn(() => Uint8Array.of(1, 2, 3));
    for (const record of [{ images: 'none' }, { images: { format: 'jpeg', encode } }, { imageInterval: 3 }] as const) {
      const { file, simulation } = await recordedLoop(20, { info: { observations: CAMERA }, observe, record });
      const all = await repeated(await read(file.bytes), repeater(simulation.loop.info));
      expect(
        all.every((one) => one.outcome === 'not repeatable' && /a picture of "observation.image" is not in the recording/.test(one.why)),
      ).toBe(true);
    }
    expect(encode).toHaveBeenCalledTimes(21);
    expect(encode).toHaveBeenCalledWith({ data: new Uint8Array(72), height: 4, width: 6, channels: 3 });
  });
});

describe('a sink', () => {
  it('behind a small queue costs no tick, and what is written repeats', async () => {
    const { file, summary, simulation } = await recordedLoop(300, { record: { queueBytes: 4000 } });
    expect(simulation.loop.metrics.deadlineMisses).toBe(0);
    const recording = await read(file.bytes);
    expect(recording.actions.length + (summary.dropped['/action'] ?? 0)).toBe(300);
    const all = await repeated(recording, repeater(simulation.loop.info));
    expect(all.filter(({ outcome }) => outcome === 'different')).toEqual([]);
  });

  it('that stands still for a while makes drops that the log tells of', async () => {
    const simulation = await Simulation.started(0);
    let release: () => void = () => {};
    const file = new MemoryFile();
    let isBlocked = false;
    const sink = {
      write: async (bytes: Uint8Array) => {
        if (isBlocked) await new Promise<void>((resolve) => (release = resolve));
        file.write(bytes);
      },
    };
    const recording = await recordLoop(simulation.loop, sink, { queueBytes: 8000 });
    isBlocked = true;
    for (let i = 0; i < 2000; i++) simulation.loop.observe({ state: [i] });
    expect(recording.summary.dropped['/observation']).toBeGreaterThan(1900);
    isBlocked = false;
    release();
    await new Promise((resolve) => setTimeout(resolve, 50));
    simulation.loop.observe({ state: [1] });
    const summary = await recording.close();
    const read = await readLoopRecording(file.pieces);
    expect(read.dropped).toEqual(summary.dropped);
    expect(read.log.map(({ message }) => message)).toContainEqual(expect.stringMatching(/^\d+ messages were dropped/));
    await simulation.loop.stop();
  });

  it('that fails ends the recording and not the loop', async () => {
    const onError = vi.fn();
    const simulation = new Simulation();
    let writes = 0;
    const sink = {
      write: () => {
        if (writes++ > 3) throw new Error('no space left on device');
      },
    };
    const recording = await recordLoop(simulation.loop, sink, { onError });
    simulation.loop.observe({ state: [0] });
    simulation.loop.start();
    await simulation.run(2000);
    expect(simulation.loop.state).toBe('running');
    void simulation.loop.stop();
    await expect(recording.closed).rejects.toThrow(/sink failed after \d+ bytes: no space left on device/);
    await expect(recording.closed).rejects.toThrow(RecordingError);
    expect(onError).toHaveBeenCalled();
  });
});

describe('the picture of a recording', () => {
  it('has a line per value, a border per chunk, a mark per decision, and nothing that is no number', async () => {
    const latencyMs = (plan: number): number => (plan === 2 ? 400 : 50);
    const recording = await read((await recordedLoop(80, { latencyMs })).file.bytes);
    const svg = plotRecording(recording);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(svg.match(/<polyline/g)).toHaveLength(3);
    // Both panels of values show the borders, and the legend one.
    expect(svg.match(/class="border"/g)).toHaveLength(2 * recording.decisions.length + 1);
    expect(svg.match(/class="late"/g)).toHaveLength(recording.actions.filter(({ late }) => late).length + 1);
  });

  it('keeps the peaks of a long line', async () => {
    const { actions, ...rest } = await read((await recordedLoop(30)).file.bytes);
    const many = Array.from({ length: 20_000 }, (_, i) => ({
      ...actions[20]!,
      atMs: i * 20,
      action: Float64Array.of(i === 12_345 ? 9 : 0, 0),
    }));
    const svg = plotRecording({ ...rest, actions: many });
    expect(svg).toContain('>10<');
    expect(svg.length).toBeLessThan(200_000);
  });
});

describe('JSON of a recording', () => {
  it('brings every number back with its bits', () => {
    const values = Float32Array.of(-0, 0, 0.1, 1e-45, 3.4e38, -1 / 3);
    expect(JSON.parse(exactJson({ values, none: undefined, text: '"', list: [1, [-0]], no: null }))).toEqual({
      values: [...values],
      text: '"',
      list: [1, [-0]],
      no: null,
    });
    const bytes = Uint8Array.from({ length: 40_000 }, (_, i) => i * i);
    expect(fromBase64(toBase64(bytes))).toEqual(bytes);
  });
});

it('the version is that of the package', () => {
  expect(VERSION).toBe(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version);
});

it('a file of something else is refused in words', async () => {
  await expect(read(new Uint8Array(100))).rejects.toThrow(/expected a recording of recordLoop, format 1, found none \(damaged/);
  await expect(read(new Uint8Array(0))).rejects.toThrow(RecordingError);
});
