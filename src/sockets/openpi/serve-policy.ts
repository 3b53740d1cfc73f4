import { WarmstepError } from '../../foundation/errors.js';
import { packageInfo } from '../../platform/node/environment.js';
import type { Policy } from '../../policy/policy.js';
import type { OnServerEvent } from '../../server/events.js';
import { KeyFinder } from '../../server/openpi/key-map.js';
import { OpenpiSession } from '../../server/openpi/session.js';
import { PolicyService } from '../../server/policy-service.js';
import type { ServedPolicy } from '../../server/served-policy.js';
import { inAddress } from '../host.js';
import { openFront, type Refusal } from '../http-front.js';
import { givenPolicy, lifecycleOf, withinMs } from '../lifecycle.js';
import { optionalPeer } from '../optional-peer.js';
import { OpenpiConnection } from './connection.js';
import { whyMasksAreSlow } from './native-masks.js';
import { checkServeOptions, type ServePolicyOptions } from './options.js';

/** A policy that is being served. */
export interface PolicyServer {
  readonly host: string;
  readonly port: number;
  /** `ws://…` or `wss://…`, as clients connect. */
  readonly url: string;
  /** Resolves once decisions are made without a delay of their own; rejects where the policy cannot be loaded. */
  readonly ready: Promise<void>;
  /** Resolves when it was closed; rejects where it ended by itself: the policy cannot be loaded, its device not be reopened. */
  readonly closed: Promise<void>;
  /** What it counts, as `/metrics` says it. */
  metrics(): string;
  /** Lets running decisions end, closes all connections (1001) and the port. The policy stays its owner's. */
  close(): Promise<void>;
}

const WHERE = 'servePolicy';

/**
 * Serves a policy to clients of openpi's websocket protocol; a connection is an episode. Resolves when it listens: a policy may still be
 * loading, clients wait for their first message until then. Needs the package `ws`.
 * @throws OptionError; the system's error where it cannot listen.
 */
export async function servePolicy(policy: Policy | Promise<Policy>, options: ServePolicyOptions = {}): Promise<PolicyServer> {
  const checked = checkServeOptions(WHERE, options);
  const { host, maxBatch, maxWaiting, onEvent, keyMap } = checked;
  // A key map that does not fit is known before the first client is.
  const given = givenPolicy(WHERE, policy, ({ info: { observations } }) => new KeyFinder(observations, keyMap));
  const { WebSocketServer } = await optionalPeer('ws', 'a websocket server', () => import('ws'));

  const service = new PolicyService(given, { maxBatch, maxWaiting, onEvent });
  const { metrics } = service;
  const connections = new Map<number, OpenpiConnection>();
  const sockets = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: checked.maxPayload });
  let opened = 0;
  let stopping = false;
  const now = (): number => performance.now();
  const { version } = packageInfo();

  const admission = (): Refusal | undefined => {
    if (stopping) return { status: 503, reason: 'the server is stopping' };
    if (service.status === 'failed') return { status: 503, reason: 'the policy failed; the log of the server says why' };
    if (connections.size >= checked.maxConnections)
      return { status: 503, reason: `${connections.size} clients are connected, as many as are allowed` };
    return undefined;
  };
  const info = (): object => ({ server: 'warmstep', version, status: service.status, policy: service.policy?.info ?? null });
  const metricsText = (): string =>
    metrics.text(
      { ready: Number(service.status === 'ready'), connectionsOpen: connections.size, queueLength: service.queueLength },
      labels(service.policy, version),
    );
  const refused = (reason: string, address: string | undefined): void => {
    metrics.count('refusedConnections');
    onEvent({ event: 'refused', message: `${address ?? 'a client'}: ${reason}` });
  };

  const front = await openFront({
    ...checked,
    status: () => (stopping ? 'stopped' : service.status),
    metrics: metricsText,
    info,
    onRefused: (reason, { socket }) => refused(reason, socket.remoteAddress),
    onUpgrade: (request, socket, head) => {
      const refusal = admission();
      if (refusal) return refusal;
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        const client = ++opened;
        metrics.count('connections');
        onEvent({
          event: 'connected',
          client,
          message: `client ${client} connected from ${request.socket.remoteAddress ?? 'an unknown address'}`,
        });
        const connection = new OpenpiConnection(webSocket, service, {
          idleMs: checked.idleMs,
          now,
          begin: (loaded) =>
            new OpenpiSession(service, loaded, {
              tickMs: checked.tickMs,
              keyMap,
              version,
              now,
              onIgnored: (keys) =>
                onEvent({ event: 'ignored', client, message: `client ${client} sends what the policy does not read: ${keys.join(', ')}` }),
            }),
          onFailure: (error) => tellFailure(onEvent, service, client, error),
          onClosed: () => {
            connections.delete(client);
            onEvent({ event: 'disconnected', client, message: `client ${client} disconnected` });
          },
        });
        connections.set(client, connection);
      });
      return undefined;
    },
  });

  service.onLost((lost) => {
    for (const connection of connections.values()) connection.fail(lost);
  });
  const timer = setInterval(() => {
    for (const connection of connections.values()) connection.check();
  }, checked.pingMs);
  timer.unref();

  const url = `${checked.tls ? 'wss' : 'ws'}://${inAddress(host)}:${front.port}`;
  onEvent({ event: 'listening', message: `listening at ${url}` });
  const readied = service.whenReady().then((loaded) => {
    adviseOnMasks(onEvent, loaded);
    onEvent({ event: 'ready', message: `ready at ${url}: ${describe(loaded)}` });
  });
  readied.catch(() => {});

  const { closed, close } = lifecycleOf(service, async () => {
    stopping = true;
    clearInterval(timer);
    front.stop();
    onEvent({ event: 'stopping', message: `stopping: ${connections.size} clients are connected` });
    const decided = service.stop();
    for (const connection of connections.values()) connection.leave();
    const left = Promise.all([decided, ...[...connections.values()].map((connection) => connection.closed)]);
    await withinMs(checked.graceMs, left);
    for (const connection of connections.values()) connection.terminate();
    await front.end();
    onEvent({ event: 'stopped', message: 'stopped' });
  });
  return {
    host,
    port: front.port,
    url,
    ready: readied,
    closed,
    metrics: metricsText,
    close,
  };
}

function adviseOnMasks(onEvent: OnServerEvent, { info }: ServedPolicy): void {
  if (info.observations.every(({ kind }) => kind !== 'image')) return;
  const why = whyMasksAreSlow();
  if (why === undefined) return;
  onEvent({ event: 'advice', message: `pictures cost the server two to three times the processor that they need: ${why}` });
}

function tellFailure(onEvent: OnServerEvent, { metrics }: PolicyService, client: number, error: unknown): void {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const kind = /^\w{1,40}$/.test(name) ? name : 'Error';
  metrics.error(kind);
  // The engine's words say what to do; of a fault in a program, the stack is what there is. ws puts a code on what a client broke.
  const told = error instanceof WarmstepError || (error as { readonly code?: unknown }).code !== undefined ? message : (stack ?? message);
  onEvent({ event: 'failed', client, error: kind, message: `client ${client}: ${told}` });
}

function labels(policy: ServedPolicy | undefined, version: string): Readonly<Record<string, string>> {
  if (!policy) return { version };
  const { name, strategy, precision, adapter } = policy.info;
  return { version, policy: name, strategy, precision, adapter: adapter.description };
}

function describe({ info }: ServedPolicy): string {
  const { name, strategy, precision, adapter } = info;
  return `${name}, ${strategy}, ${precision} weights, on ${adapter.description || 'an unnamed adapter'}`;
}
