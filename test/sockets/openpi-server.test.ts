import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { CheckpointError } from '../../src/foundation/errors.js';
import type { Policy } from '../../src/policy/policy.js';
import type { ServerEvent } from '../../src/server/events.js';
import type { ServePolicyOptions } from '../../src/sockets/openpi/options.js';
import { type PolicyServer, servePolicy } from '../../src/sockets/openpi/serve-policy.js';
import { floats, pack } from '../support/openpi.js';
import { OpenpiClient } from '../support/openpi-client.js';
import { PretendPolicy } from '../support/pretend-policy.js';

const opened: PolicyServer[] = [];
afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

interface Served {
  readonly server: PolicyServer;
  readonly policy: PretendPolicy;
  readonly events: ServerEvent[];
}

async function serve(options: ServePolicyOptions = {}, policy = new PretendPolicy()): Promise<Served> {
  const events: ServerEvent[] = [];
  const server = await servePolicy(policy as unknown as Policy, { port: 0, onEvent: (event) => events.push(event), ...options });
  opened.push(server);
  await server.ready;
  return { server, policy, events };
}

const http = (server: PolicyServer, path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.port}${path}`, init);
const state = (x: number, y: number): Record<string, unknown> => ({ 'observation.state': floats([x, y]) });
const first = ({ actions }: { readonly actions: { readonly values: readonly number[] } }): readonly number[] => actions.values.slice(0, 2);

/** A gate before decisions, opened by the test. */
function gated(policy: PretendPolicy): () => void {
  let open = (): void => {};
  policy.gate = new Promise((resolve) => {
    open = resolve;
  });
  return open;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe('a server of openpi', () => {
  it('greets at any path, then answers one message by another', async () => {
    const { server, policy } = await serve();
    for (const path of ['', '/', '/any/path?query']) {
      const { client, metadata } = await OpenpiClient.connect(`${server.url}${path}`);
      expect(metadata).toMatchObject({ server: 'warmstep', policy: 'pretend', action_steps: 3 });
      expect(first(await client.ask(state(1, 2)))).toEqual([1, 2]);
      // A connection is an episode: the second decision of it is another.
      const again = await client.ask(state(1, 2));
      expect([...first(again), Object.keys(again.server_timing)]).toEqual([1001, 1002, ['infer_ms', 'prev_total_ms']]);
      client.socket.close();
    }
    expect(policy.begun).toBe(3);
  });

  it('says that masks are taken off slowly where it serves pictures, and not otherwise', async () => {
    const camera = {
      kind: 'image',
      name: 'observation.image',
      feature: 'observation.image',
      height: 4,
      width: 4,
      channels: 3,
      features: 2,
    } as const;
    const before = process.env['WS_NO_BUFFER_UTIL'];
    process.env['WS_NO_BUFFER_UTIL'] = '1';
    try {
      const advices = ({ events }: Served): ServerEvent[] => events.filter(({ event }) => event === 'advice');
      expect(advices(await serve())).toEqual([]);
      expect(advices(await serve({}, new PretendPolicy({ observations: [camera] })))).toEqual([
        { event: 'advice', message: expect.stringMatching(/pictures cost .* WS_NO_BUFFER_UTIL is set/) },
      ]);
    } finally {
      if (before === undefined) delete process.env['WS_NO_BUFFER_UTIL'];
      else process.env['WS_NO_BUFFER_UTIL'] = before;
    }
  });

  it('answers requests that were sent ahead in their order', async () => {
    const { server } = await serve();
    const { client } = await OpenpiClient.connect(server.url);
    for (let i = 0; i < 50; i++) client.send(state(i, 0));
    for (let i = 0; i < 50; i++) expect(first(await client.answer())[0]).toBe(i + 1000 * i);
  });

  it('decides for several clients together', async () => {
    const { server, policy } = await serve({ maxBatch: 4 });
    const clients = await Promise.all(Array.from({ length: 5 }, async () => (await OpenpiClient.connect(server.url)).client));
    const open = gated(policy);
    const answers = clients.map((client, i) => client.ask(state(i, 0)));
    await until(() => server.metrics().includes('warmstep_queue_length 4'));
    open();
    expect((await Promise.all(answers)).map((answer) => first(answer)[0])).toEqual([0, 1, 2, 3, 4]);
    expect(policy.batches).toEqual([1, 4]);
  });

  it('tells what is wrong with a text, closes with 1011, and lives', async () => {
    const { server, events } = await serve();
    for (const [observation, words] of [
      [{}, /^MessageError: observation: "observation.state" is missing/],
      [{ state: floats([1, Number.NaN]) }, /^ObservationError: .*NaN at index 1/],
    ] as const) {
      const { client } = await OpenpiClient.connect(server.url);
      client.send(observation);
      expect(await client.next()).toEqual({ text: expect.stringMatching(words) as unknown });
      expect(await client.next()).toEqual({ close: 1011, reason: expect.stringContaining('previous frame') as unknown });
    }
    const { client } = await OpenpiClient.connect(server.url);
    client.socket.send('a text');
    expect(await client.next()).toEqual({ text: expect.stringContaining('binary') as unknown });
    expect(await client.next()).toMatchObject({ close: 1003 });
    expect(events.filter(({ event }) => event === 'failed').map(({ error }) => error)).toEqual([
      'MessageError',
      'ObservationError',
      'MessageError',
    ]);
    expect(server.metrics()).toMatch(/^warmstep_errors_total\{kind="MessageError"\} 2$/m);
    expect(first(await (await OpenpiClient.connect(server.url)).client.ask(state(1, 2)))).toEqual([1, 2]);
  });

  it('outlives noise, half a request, and connections that are torn', async () => {
    const { server } = await serve();
    for (const bytes of ['\0\x01\x02 noise\r\n\r\n', 'GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n']) {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(bytes);
      await new Promise((resolve) => socket.once('close', resolve).resume());
    }
    const { client } = await OpenpiClient.connect(server.url);
    client.send(state(1, 2));
    client.socket.terminate();
    const half = connect(server.port, '127.0.0.1', () => half.write('GET / HTTP/1.1\r\nUpg'));
    await new Promise((resolve) => half.once('connect', resolve));
    half.destroy();
    expect(first(await (await OpenpiClient.connect(server.url)).client.ask(state(1, 2)))).toEqual([1, 2]);
    await until(() => server.metrics().includes('warmstep_connections_open 1\n'));
  });
});

describe('while the policy is loading', () => {
  it('health says so, and clients wait for their greeting', async () => {
    const policy = new PretendPolicy();
    let load = (_: Policy): void => {};
    const server = await servePolicy(
      new Promise<Policy>((resolve) => {
        load = resolve;
      }),
      { port: 0 },
    );
    opened.push(server);
    const health = await http(server, '/healthz');
    expect([health.status, await health.text()]).toEqual([503, 'loading\n']);
    expect(await (await http(server, '/info')).json()).toMatchObject({ status: 'loading', policy: null });
    const greeted = OpenpiClient.connect(server.url);
    load(policy as unknown as Policy);
    expect((await greeted).metadata).toMatchObject({ policy: 'pretend' });
    const ready = await http(server, '/healthz');
    expect([ready.status, await ready.text()]).toEqual([200, 'OK\n']);
    expect(await (await http(server, '/info')).json()).toMatchObject({ status: 'ready', policy: { name: 'pretend' } });
  });

  it('a failure ends the server with its reason', async () => {
    const server = await servePolicy(Promise.reject(new CheckpointError('no such folder.')), { port: 0 });
    await expect(server.ready).rejects.toThrow(/no such folder/);
    await expect(server.closed).rejects.toThrow(/no such folder/);
    await expect(http(server, '/healthz')).rejects.toThrow();
  });

  it('options and key maps are checked before anybody connects', async () => {
    const policy = new PretendPolicy() as unknown as Policy;
    await expect(servePolicy(policy, { port: 0, keyMap: { a: 'b' } })).rejects.toThrow(/keyMap: "a" stands for "b"/);
    const late = await servePolicy(Promise.resolve(policy), { port: 0, keyMap: { a: 'b' } });
    await expect(late.closed).rejects.toThrow(/keyMap: "a" stands for "b"/);
    const { server } = await serve();
    await expect(servePolicy(policy, { port: server.port })).rejects.toThrow(/EADDRINUSE/);
  });
});

describe('who may connect', () => {
  it('with a key: those who send it', async () => {
    const { server, events } = await serve({ apiKey: 'secret' });
    const authorization = (value: string): { headers: { authorization: string } } => ({ headers: { authorization: value } });
    expect(await OpenpiClient.refusal(server.url)).toBe(401);
    expect(await OpenpiClient.refusal(server.url, authorization('Api-Key wrong'))).toBe(401);
    expect(await OpenpiClient.refusal(server.url, authorization('Basic secret'))).toBe(401);
    for (const value of ['Api-Key secret', 'Bearer secret']) {
      expect((await OpenpiClient.connect(server.url, authorization(value))).metadata).toMatchObject({ policy: 'pretend' });
      expect((await http(server, '/metrics', authorization(value))).status).toBe(200);
    }
    expect((await http(server, '/metrics')).status).toBe(401);
    expect((await http(server, '/info')).status).toBe(401);
    expect((await http(server, '/healthz')).status).toBe(200);
    expect(events.filter(({ event }) => event === 'refused').length).toBe(5);
  });

  it('of pages: those of an allowed origin', async () => {
    const { server } = await serve({ allowOrigins: ['https://robot.example'] });
    expect(await OpenpiClient.refusal(server.url, { origin: 'https://evil.example' })).toBe(403);
    expect((await OpenpiClient.connect(server.url, { origin: 'https://robot.example' })).metadata).toMatchObject({ policy: 'pretend' });
    const allowed = await http(server, '/info', { headers: { origin: 'https://robot.example' } });
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([200, 'https://robot.example']);
    const refused = await http(server, '/info', { headers: { origin: 'https://evil.example' } });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    const preflight = await http(server, '/info', { method: 'OPTIONS', headers: { origin: 'https://robot.example' } });
    expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([204, 'Authorization']);
  });

  it('in secret: wss:// with a certificate', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'warmstep-tls-'));
    const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(folder, name)) as [string, string];
    const made = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-subj',
      '/CN=localhost',
      '-out',
      cert,
      '-keyout',
      key,
    ];
    execFileSync('openssl', ['req', '-x509', '-days', '2', '-addext', 'subjectAltName=IP:127.0.0.1', ...made], { stdio: 'pipe' });
    const tls = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
    rmSync(folder, { recursive: true });
    const { server } = await serve({ tls });
    expect(server.url).toMatch(/^wss:/);
    const { client } = await OpenpiClient.connect(server.url, { ca: tls.cert });
    expect(first(await client.ask(state(1, 2)))).toEqual([1, 2]);
    const plain = new OpenpiClient(server.url.replace('wss', 'ws'));
    expect(await plain.next()).toMatchObject({ close: 1006 });
    await expect(serve({ tls: { cert: tls.key, key: tls.cert } })).rejects.toThrow(/^tls: certificate and key must be a pair of PEM texts/);
  });

  it('no more than there is room for', async () => {
    const { server } = await serve({ maxConnections: 1 });
    const { client } = await OpenpiClient.connect(server.url);
    expect(await OpenpiClient.refusal(server.url)).toBe(503);
    client.socket.close();
    await until(() => server.metrics().includes('warmstep_connections_open 0\n'));
    expect((await OpenpiClient.connect(server.url)).metadata).toMatchObject({ policy: 'pretend' });
  });

  it('HTTP has three paths and one method', async () => {
    const { server } = await serve();
    expect((await http(server, '/')).status).toBe(426);
    expect((await http(server, '/info', { method: 'POST', body: '{}' })).status).toBe(405);
    const head = await http(server, '/healthz', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });
});

describe('limits', () => {
  it('of a message: 1009', async () => {
    const { server } = await serve({ maxPayload: 2048 });
    const { client } = await OpenpiClient.connect(server.url);
    client.socket.send(new Uint8Array(4096));
    expect(await client.next()).toMatchObject({ close: 1009 });
    expect(server.metrics()).toMatch(/^warmstep_errors_total/m);
  });

  it('of what waits: an error for who comes then', async () => {
    const { server, policy } = await serve({ maxWaiting: 1 });
    const clients = await Promise.all([1, 2, 3].map(async () => (await OpenpiClient.connect(server.url)).client));
    const open = gated(policy);
    clients[0]?.send(state(1, 0));
    await until(() => policy.batches.length === 1);
    clients[1]?.send(state(2, 0));
    await until(() => server.metrics().includes('warmstep_queue_length 1'));
    clients[2]?.send(state(3, 0));
    expect(await clients[2]?.next()).toEqual({ text: expect.stringMatching(/^ServerBusyError/) as unknown });
    open();
    expect(first(await (clients[1] as OpenpiClient).answer())[0]).toBe(2);
  });
});

describe('a stop', () => {
  it('lets running decisions be answered, then closes with 1001 and frees the port', async () => {
    const { server, policy, events } = await serve();
    const idle = (await OpenpiClient.connect(server.url)).client;
    const busy = (await OpenpiClient.connect(server.url)).client;
    const waiting = (await OpenpiClient.connect(server.url)).client;
    const open = gated(policy);
    busy.send(state(7, 0));
    await until(() => policy.batches.length === 1);
    waiting.send(state(8, 0));
    await until(() => server.metrics().includes('warmstep_queue_length 1'));
    const closed = server.close();
    expect(await idle.next()).toEqual({ close: 1001, reason: 'the server is stopping' });
    expect(await waiting.next()).toEqual({ text: expect.stringContaining('stopping') as unknown });
    expect(await waiting.next()).toMatchObject({ close: 1001 });
    open();
    expect(first(await busy.answer())[0]).toBe(7);
    expect(await busy.next()).toMatchObject({ close: 1001 });
    await closed;
    await server.closed;
    await server.close();
    await expect(http(server, '/healthz')).rejects.toThrow();
    expect(events.slice(-2).map(({ event }) => event)).toEqual(['disconnected', 'stopped']);
  });

  it('does not wait for ever for a decision that hangs', async () => {
    const { server, policy } = await serve({ graceMs: 50 });
    const { client } = await OpenpiClient.connect(server.url);
    gated(policy);
    client.send(state(7, 0));
    await until(() => policy.batches.length === 1);
    const started = performance.now();
    await server.close();
    // Unless told otherwise it gives decisions four seconds.
    expect(performance.now() - started).toBeLessThan(3500);
    expect(await client.next()).toMatchObject({ close: 1006 });
  });
});

describe('a lost device', () => {
  it('is told to every client; who connects again is greeted when it is back', async () => {
    const { server, policy, events } = await serve();
    const clients = await Promise.all([1, 2].map(async () => (await OpenpiClient.connect(server.url)).client));
    policy.isLost = true;
    clients[0]?.send(state(1, 2));
    for (const client of clients) {
      expect(await client.next()).toEqual({ text: expect.stringMatching(/^DeviceLostError: .*Connect again/) as unknown });
      expect(await client.next()).toMatchObject({ close: 1011 });
    }
    const { client } = await OpenpiClient.connect(server.url);
    expect(first(await client.ask(state(1, 2)))).toEqual([1, 2]);
    expect(policy.reloads).toBe(1);
    expect(events.map(({ event }) => event)).toEqual(expect.arrayContaining(['device-lost', 'reloaded']));
    expect(server.metrics()).toContain('warmstep_device_losses_total 1');
  });

  it('that does not come back ends the server with its reason', async () => {
    const { server, policy } = await serve();
    const { client } = await OpenpiClient.connect(server.url);
    policy.isLost = true;
    // Not worth another attempt.
    policy.reloadFailures = [new CheckpointError('the files have changed.')];
    client.send(state(1, 2));
    await expect(server.closed).rejects.toThrow(/the files have changed/);
    await expect(http(server, '/healthz')).rejects.toThrow();
  });
});

describe('a client that sends without end and reads nothing', () => {
  it('is read no further than a few messages ahead', async () => {
    const { server, policy } = await serve();
    const { client } = await OpenpiClient.connect(server.url);
    const open = gated(policy);
    const message = pack(new Map(Object.entries({ ...state(1, 2), padding: 'x'.repeat(200_000) })));
    for (let i = 0; i < 200; i++) client.socket.send(message);
    await until(() => policy.batches.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    // Most of it still lies on this side.
    expect(client.socket.bufferedAmount).toBeGreaterThan(100 * message.length);
    open();
    for (let i = 0; i < 200; i++) expect(first(await client.answer())[0]).toBe(1 + 1000 * i);
  });
});
