import type { ServerReadableStream, ServerUnaryCall, ServiceDefinition, sendUnaryData } from '@grpc/grpc-js';
import { WarmstepError } from '../../foundation/errors.js';
import { joined } from '../../foundation/joined.js';
import type { Policy } from '../../policy/policy.js';
import { MessageError } from '../../server/errors.js';
import { readProto, writeProtoBytes } from '../../server/lerobot/protobuf.js';
import { LeRobotSession } from '../../server/lerobot/session.js';
import { PolicyService } from '../../server/policy-service.js';
import type { ServedPolicy } from '../../server/served-policy.js';
import { inAddress } from '../host.js';
import { givenPolicy, lifecycleOf, withinMs } from '../lifecycle.js';
import { optionalPeer } from '../optional-peer.js';
import { checkLeRobotOptions, type ServeLeRobotOptions } from './options.js';
import { Robots } from './robots.js';

/** A policy that is being served. */
export interface LeRobotServer {
  readonly host: string;
  readonly port: number;
  /** `host:port`, as LeRobot's clients take it (`--server_address`). */
  readonly address: string;
  /** Resolves once decisions are made without a delay of their own; rejects where the policy cannot be loaded. */
  readonly ready: Promise<void>;
  /** Resolves when it was closed; rejects where it ended by itself: the policy cannot be loaded, its device not be reopened. */
  readonly closed: Promise<void>;
  /** Lets running calls end, and frees the port. The policy stays its owner's. */
  close(): Promise<void>;
}

const WHERE = 'serveLeRobot';
/** Clients cut observations into pieces of 2 MB, and the reference takes messages of 4 MB. */
const MOST_PIECE_BYTES = 4 * 2 ** 20 + 1024;

type Bytes = Buffer;
const same = (bytes: Bytes): Bytes => bytes;
const method = (name: string, requestStream: boolean): ServiceDefinition[string] => ({
  path: `/transport.AsyncInference/${name}`,
  requestStream,
  responseStream: false,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});

/** The service as raw bytes: its messages have two fields of two kinds, and need no schema compiler. */
const SERVICE: ServiceDefinition = {
  Ready: method('Ready', false),
  SendPolicyInstructions: method('SendPolicyInstructions', false),
  SendObservations: method('SendObservations', true),
  GetActions: method('GetActions', false),
};

/**
 * Serves a policy to clients of LeRobot's asynchronous inference (`robot_client`), which reach it in clear text and without a key. Resolves when it
 * listens: a policy may still be loading, clients wait in their first call until then. Needs the package `@grpc/grpc-js`.
 * @throws OptionError; Error where it cannot listen.
 */
export async function serveLeRobot(policy: Policy | Promise<Policy>, options: ServeLeRobotOptions = {}): Promise<LeRobotServer> {
  const checked = checkLeRobotOptions(WHERE, options);
  const { host, fps, seed, waitMs, leastMs, maxBatch, maxPayload, onEvent } = checked;
  const given = givenPolicy(WHERE, policy);
  const grpc = await optionalPeer('@grpc/grpc-js', 'a server for LeRobot', () => import('@grpc/grpc-js'));

  const service = new PolicyService(given, { maxBatch, maxWaiting: checked.maxConnections, onEvent });
  const now = (): number => performance.now();
  const tell = (client: number, error: unknown): void => {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    service.metrics.error(name);
    onEvent({
      event: 'failed',
      client,
      error: name,
      message: `robot ${client}: ${error instanceof WarmstepError ? message : (stack ?? message)}`,
    });
  };
  const robots = new Robots({
    most: checked.maxConnections,
    idleMs: checked.idleMs,
    now,
    begin: (client, peer) => {
      service.metrics.count('connections');
      onEvent({ event: 'connected', client, message: `robot ${client} connected from ${peer}` });
      const settings = { fps, seed, waitMs, leastMs, now, onRefused: (error: unknown) => tell(client, error) };
      return new LeRobotSession(service, service.policy as ServedPolicy, settings);
    },
    onForgotten: (client) => onEvent({ event: 'disconnected', client, message: `robot ${client} was not heard for too long` }),
  });

  /** An answer, or the error in gRPC's terms; the log has it in either case. */
  const answering = async (
    peer: string,
    callback: sendUnaryData<Bytes>,
    work: (robot: ReturnType<Robots['of']>) => Bytes | Promise<Bytes>,
  ): Promise<void> => {
    let client = 0;
    try {
      await service.whenReady();
      const robot = robots.of(peer);
      client = robot.number;
      callback(null, await work(robot));
    } catch (error) {
      tell(client, error);
      const isTheirs = error instanceof WarmstepError;
      callback({
        code: error instanceof MessageError ? grpc.status.INVALID_ARGUMENT : isTheirs ? grpc.status.UNAVAILABLE : grpc.status.INTERNAL,
        details: isTheirs ? error.message : 'the call failed in the server; its log says why.',
      });
    }
  };
  const EMPTY = Buffer.alloc(0);
  const unary =
    (work: (robot: ReturnType<Robots['of']>, data: Uint8Array, peer: string) => Bytes | Promise<Bytes>) =>
    (call: ServerUnaryCall<Bytes, Bytes>, callback: sendUnaryData<Bytes>): void =>
      void answering(call.getPeer(), callback, (robot) => work(robot, readProto(call.request).bytes.get(1) ?? EMPTY, call.getPeer()));

  const server = new grpc.Server({
    'grpc.max_receive_message_length': MOST_PIECE_BYTES,
    'grpc.max_send_message_length': -1,
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 20_000,
  });
  server.addService(SERVICE, {
    Ready: unary(({ session }) => {
      session.ready();
      return EMPTY;
    }),
    SendPolicyInstructions: unary(({ number, session }, data, peer) => {
      const instructions = session.instruct(data);
      robots.remember(peer, instructions);
      const { checkpoint, actionsPerChunk } = instructions;
      onEvent({
        event: 'instructed',
        client: number,
        message: `robot ${number} asks for ${actionsPerChunk} actions of "${checkpoint}", and gets those of "${service.policy?.info.name}"`,
      });
      return EMPTY;
    }),
    SendObservations: (call: ServerReadableStream<Bytes, Bytes>, callback: sendUnaryData<Bytes>): void => {
      const peer = call.getPeer();
      void answering(peer, callback, async ({ session }) => {
        session.observe(await gathered(call, maxPayload));
        return EMPTY;
      });
    },
    GetActions: unary(async ({ session }) => Buffer.from(writeProtoBytes(1, await session.actions()))),
  });
  const port = await new Promise<number>((resolve, reject) => {
    const at = `${inAddress(host)}:${checked.port}`;
    server.bindAsync(at, grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const address = `${inAddress(host)}:${port}`;
  onEvent({ event: 'listening', message: `listening at ${address}` });
  const readied = service.whenReady().then(({ info }) => {
    onEvent({
      event: 'ready',
      message: `ready at ${address}: ${info.name}, ${info.strategy}, ${info.precision} weights, on ${info.adapter.description}`,
    });
  });
  readied.catch(() => {});

  const { closed, close } = lifecycleOf(service, async () => {
    onEvent({ event: 'stopping', message: `stopping: ${robots.size} robots are known` });
    const decided = service.stop();
    robots.clear();
    const ended = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    await withinMs(checked.graceMs, Promise.all([decided, ended]));
    server.forceShutdown();
    onEvent({ event: 'stopped', message: 'stopped' });
  });
  return {
    host,
    port,
    address,
    ready: readied,
    closed,
    close,
  };
}

/** The pieces of an observation, one after the other, in memory that nobody else writes to. @throws MessageError where they are more than that many bytes. */
async function gathered(call: ServerReadableStream<Bytes, Bytes>, mostBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const message of call) {
    const piece = readProto(message as Bytes).bytes.get(2) ?? new Uint8Array(0);
    bytes += piece.length;
    if (bytes > mostBytes) throw new MessageError(`an observation of more than ${mostBytes} bytes: send smaller pictures.`);
    pieces.push(piece);
  }
  // Pictures stay where they lie in it: this is their only copy.
  return pieces.length === 1 ? (pieces[0] as Uint8Array) : joined(pieces);
}
