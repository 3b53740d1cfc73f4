import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import type { Policy } from '../../src/policy/policy.js';
import type { ServerEvent } from '../../src/server/events.js';
import { readProto, writeProtoBytes } from '../../src/server/lerobot/protobuf.js';
import type { ServeLeRobotOptions } from '../../src/sockets/lerobot/options.js';
import { type LeRobotServer, serveLeRobot } from '../../src/sockets/lerobot/serve-lerobot.js';
import { PyBytes, pickledInstructions, pickledObservation, type UnpickledAction, unpickledActions } from '../support/pickles.js';
import { CAMERA, PretendPolicy, STATE } from '../support/pretend-policy.js';

const servers: LeRobotServer[] = [];
const clients: RobotClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const server of servers.splice(0)) await server.close();
});

async function serve(
  options: ServeLeRobotOptions = {},
  policy = new PretendPolicy(),
): Promise<{ server: LeRobotServer; policy: PretendPolicy; events: ServerEvent[] }> {
  const events: ServerEvent[] = [];
  const given = { port: 0, fps: 10, waitMs: 50, leastMs: 0, onEvent: (event: ServerEvent): void => void events.push(event), ...options };
  const server = await serveLeRobot(policy as unknown as Policy, given);
  servers.push(server);
  await server.ready;
  return { server, policy, events };
}

const bytes = (data: Uint8Array): Buffer => Buffer.from(data);

/** The four calls of LeRobot's client, as raw bytes. */
class RobotClient {
  readonly #client: Client;

  constructor({ address }: LeRobotServer) {
    // A connection of its own: clients of one address share one otherwise.
    this.#client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
    clients.push(this);
  }

  ready(): Promise<Buffer> {
    return this.#unary('Ready', Buffer.alloc(0));
  }

  instruct(pickle: Uint8Array): Promise<Buffer> {
    return this.#unary('SendPolicyInstructions', bytes(writeProtoBytes(1, pickle)));
  }

  /** In pieces of that many bytes, as the client cuts it. */
  observe(pickle: Uint8Array, pieceBytes = 2 * 2 ** 20): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const call = this.#client.makeClientStreamRequest<Buffer, Buffer>(
        '/transport.AsyncInference/SendObservations',
        same,
        same,
        (error, value) => (error ? reject(error) : resolve(value as Buffer)),
      );
      for (let at = 0; at < pickle.length; at += pieceBytes) {
        const state = at + pieceBytes >= pickle.length ? 3 : at === 0 ? 1 : 2;
        call.write(Buffer.concat([Buffer.of(0x08, state), writeProtoBytes(2, pickle.subarray(at, at + pieceBytes))]));
      }
      call.end();
    });
  }

  async actions(): Promise<UnpickledAction[] | undefined> {
    const data = readProto(await this.#unary('GetActions', Buffer.alloc(0))).bytes.get(1);
    return data && unpickledActions(data);
  }

  close(): void {
    this.#client.close();
  }

  #unary(name: string, request: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest<Buffer, Buffer>(`/transport.AsyncInference/${name}`, same, same, request, (error, value) =>
        error ? reject(error) : resolve(value as Buffer),
      );
    });
  }
}

const same = (data: Buffer): Buffer => data;

async function refusal(call: Promise<unknown>): Promise<{ code: number; details: string }> {
  try {
    await call;
  } catch (error) {
    const { code, details } = error as ServiceError;
    return { code, details };
  }
  throw new Error('the call was not refused');
}

describe('a server for LeRobot', () => {
  it('turns observations into actions', async () => {
    const { server, events } = await serve();
    const robot = new RobotClient(server);
    expect((await robot.ready()).length).toBe(0);
    await robot.instruct(pickledInstructions());
    expect(await robot.actions()).toBeUndefined();
    await robot.observe(pickledObservation(4, 1, 2));
    expect((await robot.actions())?.map(({ timestep, action }) => [timestep, ...action])).toEqual([
      [4, 1, 2],
      [5, 2, 3],
      [6, 3, 4],
    ]);
    expect(events.map(({ event }) => event)).toEqual(['listening', 'ready', 'connected', 'instructed']);
    // What the client names is told, and not loaded.
    expect(events.at(-1)?.message).toBe('robot 1 asks for 50 actions of "me/policy", and gets those of "pretend"');
  });

  it('puts pieces of an observation together', async () => {
    const { server, policy } = await serve(
      {},
      new PretendPolicy({ observations: [STATE, { ...CAMERA, height: 100, width: 90 } as typeof CAMERA] }),
    );
    const robot = new RobotClient(server);
    await robot.instruct(pickledInstructions());
    const picture = new PyBytes(
      [100, 90, 3],
      Uint8Array.from({ length: 100 * 90 * 3 }, (_, i) => i % 251),
    );
    await robot.observe(pickledObservation(4, 1, 2, { observation: { 'a.pos': 1, 'b.pos': 2, front: picture } }), 5_000);
    expect((await robot.actions())?.length).toBe(3);
    const [seen] = policy.windows[0]?.[CAMERA.name] as { bytes: Uint8Array }[];
    expect(Buffer.compare(seen?.bytes as Uint8Array, picture.data)).toBe(0);
  });

  it('has an episode for each robot', async () => {
    const { server } = await serve();
    const robots = await Promise.all(
      [1, 2, 3].map(async (place) => {
        const robot = new RobotClient(server);
        await robot.ready();
        await robot.instruct(pickledInstructions());
        return { robot, place };
      }),
    );
    for (const step of [0, 3, 6]) {
      await Promise.all(robots.map(({ robot, place }) => robot.observe(pickledObservation(step, 10 * place, 0, { must_go: true }))));
      const answers = await Promise.all(robots.map(({ robot }) => robot.actions()));
      expect(answers.map((answer) => answer?.[0]?.action[0])).toEqual([10, 20, 30].map((value) => value + 1000 * (step / 3)));
    }
  });

  it('knows a robot whose connection was torn by its address', async () => {
    const { server } = await serve();
    await new RobotClient(server).instruct(pickledInstructions());
    const again = new RobotClient(server);
    await again.observe(pickledObservation(4, 1, 2));
    expect((await again.actions())?.length).toBe(3);
  });

  it('refuses in words, in the log too, and lives', async () => {
    const { server, events } = await serve({ maxPayload: 1_000_000 });
    const robot = new RobotClient(server);
    expect(await refusal(robot.observe(pickledObservation(4, 1, 2)))).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('no instructions yet') as unknown,
    });
    expect(await refusal(robot.instruct(pickledInstructions({ policy_type: 'act' })))).toMatchObject({ code: status.INVALID_ARGUMENT });
    const attack = Buffer.from('80048c026f738c0673797374656d938c026c73855 22e'.replaceAll(' ', ''), 'hex');
    expect(await refusal(robot.instruct(attack))).toMatchObject({
      details: expect.stringContaining('refused the name os.system') as unknown,
    });
    await robot.instruct(pickledInstructions());
    expect(await refusal(robot.observe(attack))).toMatchObject({
      details: expect.stringContaining('refused the name os.system') as unknown,
    });
    expect(await refusal(robot.observe(new Uint8Array(1_500_000), 400_000))).toMatchObject({
      details: expect.stringContaining('more than 1000000 bytes') as unknown,
    });
    expect(events.filter(({ event }) => event === 'failed').length).toBe(5);
    await robot.observe(pickledObservation(4, 1, 2));
    expect((await robot.actions())?.length).toBe(3);
  });

  it('answers nothing while a device is lost, tells why, and goes on when it is back', async () => {
    const { server, policy, events } = await serve();
    const robot = new RobotClient(server);
    await robot.instruct(pickledInstructions());
    policy.isLost = true;
    await robot.observe(pickledObservation(4, 1, 2));
    expect(await robot.actions()).toBeUndefined();
    await robot.observe(pickledObservation(5, 5, 2));
    expect((await robot.actions())?.[0]?.action[0]).toBe(5 + 10 * 4);
    expect(events.map(({ event }) => event)).toEqual(expect.arrayContaining(['device-lost', 'failed', 'reloaded']));
  });

  it('has room for so many robots', async () => {
    const { server } = await serve({ maxConnections: 1 });
    await new RobotClient(server).ready();
    expect(await refusal(new RobotClient(server).ready())).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining('1 robots') as unknown,
    });
  });

  it('forgets who is silent', async () => {
    const { server, events } = await serve({ maxConnections: 1, idleMs: 100 });
    await new RobotClient(server).ready();
    await new Promise((resolve) => setTimeout(resolve, 130));
    await new RobotClient(server).ready();
    expect(events.map(({ event }) => event)).toContain('disconnected');
  });

  it('stops: calls that wait are answered, the port is free', async () => {
    const { server, events } = await serve({ waitMs: 30_000 });
    const robot = new RobotClient(server);
    await robot.instruct(pickledInstructions());
    const waiting = robot.actions();
    await new Promise((resolve) => setTimeout(resolve, 30));
    await server.close();
    expect(await waiting).toBeUndefined();
    await server.closed;
    expect(await refusal(robot.ready())).toMatchObject({ code: status.UNAVAILABLE });
    expect(events.at(-1)?.event).toBe('stopped');
    const again = await serve({ port: server.port });
    expect(again.server.port).toBe(server.port);
  });

  it('does not listen where another one does', async () => {
    const { server } = await serve();
    await expect(serveLeRobot(new PretendPolicy() as unknown as Policy, { port: server.port })).rejects.toThrow(
      /EADDRINUSE|address already in use/,
    );
  });
});
