import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { SetupError } from '../foundation/setup-error.js';
import type { ServiceStatus } from '../server/policy-service.js';
import type { ApiKey } from './api-key.js';
import type { TlsFiles } from './tls-files.js';

export interface FrontOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsFiles | undefined;
  readonly apiKey: ApiKey | undefined;
  /** Origins of pages that may connect; '*': any. */
  readonly allowOrigins: readonly string[];
  readonly status: () => ServiceStatus;
  readonly metrics: () => string;
  readonly info: () => unknown;
  /** Takes a connection over, or says why not. */
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => Refusal | undefined;
  readonly onRefused: (reason: string, request: IncomingMessage) => void;
}

/** Why a request is not served, as an HTTP status and a line. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

export interface Front {
  readonly port: number;
  /** Accepts nothing more. */
  stop(): void;
  /** Ends what is still open; resolves when nothing is. */
  end(): Promise<void>;
}

const HEADER_TIMEOUT_MS = 10_000;

/** The HTTP side of a server: health, metrics, facts, and the gate before a connection is upgraded. @throws the system's error of listen(). */
export async function openFront(options: FrontOptions): Promise<Front> {
  const settings = { headersTimeout: HEADER_TIMEOUT_MS, requestTimeout: HEADER_TIMEOUT_MS, maxHeaderSize: 16_384 };
  const { tls, host, port } = options;
  const server: Server = tls ? secured({ ...settings, handshakeTimeout: HEADER_TIMEOUT_MS, ...tls }) : createServer(settings);
  // Upgraded connections are no longer the HTTP server's, but still open.
  const sockets = new Set<Duplex>();
  server.on('request', (request, response) => respond(options, request, response));
  server.on('upgrade', (request, socket: Duplex, head) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // Until somebody takes it over, a reset must not end the process.
    socket.on('error', () => socket.destroy());
    const refusal = refusalOf(options, request, true) ?? options.onUpgrade(request, socket, head);
    if (refusal) refuseUpgrade(options, request, socket, refusal);
  });
  server.on('clientError', (_, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  let closed: Promise<void> | undefined;
  const stop = (): Promise<void> => (closed ??= new Promise((resolve) => server.close(() => resolve())));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => void stop(),
    end: async () => {
      const ended = stop();
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      await ended;
    },
  };
}

function secured(settings: ServerOptions): Server {
  try {
    return createTlsServer(settings);
  } catch (error) {
    throw new SetupError(`tls: certificate and key must be a pair of PEM texts: ${(error as Error).message}`, { cause: error });
  }
}

/** Who may not, and why. Health is for everybody. */
function refusalOf({ apiKey, allowOrigins }: FrontOptions, { headers }: IncomingMessage, needsKey: boolean): Refusal | undefined {
  const { origin } = headers;
  if (origin !== undefined && !allowOrigins.includes(origin) && !allowOrigins.includes('*')) {
    return { status: 403, reason: 'pages of this origin may not connect: the server allows some with --allow-origin' };
  }
  if (needsKey && apiKey && !apiKey.allows(headers.authorization)) {
    return { status: 401, reason: 'the server wants a key: Authorization: Api-Key KEY' };
  }
  return undefined;
}

function respond(options: FrontOptions, request: IncomingMessage, response: ServerResponse): void {
  const { origin } = request.headers;
  const [path] = (request.url ?? '/').split('?');
  const isHealth = path === '/healthz';
  const isPreflight = request.method === 'OPTIONS' && origin !== undefined;
  const refusal = refusalOf(options, request, !isHealth && !isPreflight);
  const send = (status: number, type: string, body: string, headers: Readonly<Record<string, string>> = {}): void => {
    response.writeHead(status, { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-store', ...headers });
    response.end(request.method === 'HEAD' ? '' : body);
  };
  if (refusal) {
    options.onRefused(refusal.reason, request);
    send(refusal.status, 'text/plain', `${refusal.reason}\n`, refusal.status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {});
    return;
  }
  if (origin !== undefined) response.setHeader('Access-Control-Allow-Origin', origin).setHeader('Vary', 'Origin');
  if (isPreflight) {
    response.writeHead(204, { 'Access-Control-Allow-Methods': 'GET', 'Access-Control-Allow-Headers': 'Authorization' }).end();
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(405, 'text/plain', 'GET is all there is\n', { Allow: 'GET, HEAD, OPTIONS' });
  } else if (isHealth) {
    const status = options.status();
    send(status === 'ready' ? 200 : 503, 'text/plain', status === 'ready' ? 'OK\n' : `${status}\n`);
  } else if (path === '/metrics') {
    send(200, 'text/plain; version=0.0.4', options.metrics());
  } else if (path === '/info') {
    send(200, 'application/json', `${JSON.stringify(options.info(), null, 2)}\n`);
  } else {
    send(426, 'text/plain', 'observations come through a websocket; there are /healthz, /metrics and /info beside it\n', {
      Upgrade: 'websocket',
    });
  }
}

function refuseUpgrade({ onRefused }: FrontOptions, request: IncomingMessage, socket: Duplex, { status, reason }: Refusal): void {
  onRefused(reason, request);
  const body = `${reason}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
