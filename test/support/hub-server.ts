import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the server saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly host: 'hub' | 'storage';
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/**
 * A Hub on this machine with one model, `someone/policy`, and the same files as a data set, `someone/demonstrations`: the three kinds of answers that a client needs, in the Hub's shape. Weights
 * are "large files": the Hub redirects to a storage of another origin.
 */
export class HubServer {
  readonly commit = 'a'.repeat(40);
  /** Its address, also when it was stopped. */
  endpoint = '';
  readonly seen: SeenRequest[] = [];
  /** Set to be asked for before any request is answered. */
  token: string | undefined;
  gated = false;
  /** Bytes after which the storage breaks the connection that sends weights, once each. */
  readonly cuts: number[] = [];
  /** How many requests are answered 503 first. */
  busy = 0;
  /** What the storage sends instead, of the same length. */
  corrupt = false;
  readonly #files: Readonly<Record<string, Uint8Array>>;
  readonly #hub: Server;
  readonly #storage: Server;

  private constructor(files: Readonly<Record<string, Uint8Array>>) {
    this.#files = files;
    this.#hub = createServer((request, response) => this.#answer(request, response));
    this.#storage = createServer((request, response) => this.#store(request, response));
  }

  static async start(files: Readonly<Record<string, Uint8Array>>): Promise<HubServer> {
    const server = new HubServer(files);
    for (const each of [server.#hub, server.#storage]) await new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve));
    server.endpoint = `http://127.0.0.1:${(server.#hub.address() as AddressInfo).port}`;
    return server;
  }

  async stop(): Promise<void> {
    for (const each of [this.#hub, this.#storage]) {
      each.closeAllConnections();
      await new Promise<void>((resolve) => each.close(() => resolve()));
    }
  }

  requests(method: string, part: string): SeenRequest[] {
    return this.seen.filter((request) => request.method === method && request.url.includes(part));
  }

  #note(host: 'hub' | 'storage', { method = '', url = '', headers }: IncomingMessage): void {
    this.seen.push({ method, url, host, authorization: headers.authorization, range: headers.range });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#note('hub', request);
    if (this.busy > 0) {
      this.busy--;
      response.writeHead(503).end();
      return;
    }
    if (this.gated) {
      response.writeHead(403, { 'x-error-code': 'GatedRepo' }).end();
      return;
    }
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`) {
      response.writeHead(401, { 'x-error-code': 'RepoNotFound' }).end();
      return;
    }
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://hub').pathname);
    if (path === '/api/models/someone/old-name/revision/main') {
      response.writeHead(307, { location: '/api/models/someone/policy/revision/main' }).end();
    } else if (path.startsWith('/api/models/someone/policy/revision/')) {
      this.#revision(path.split('/').at(-1) ?? '', response);
    } else if (path.startsWith(`/someone/policy/resolve/${this.commit}/`)) {
      this.#resolve(path.slice(`/someone/policy/resolve/${this.commit}/`.length), request, response);
    } else if (path.startsWith('/api/datasets/someone/demonstrations/revision/')) {
      this.#revision(path.split('/').at(-1) ?? '', response);
    } else if (path.startsWith(`/datasets/someone/demonstrations/resolve/${this.commit}/`)) {
      this.#resolve(path.slice(`/datasets/someone/demonstrations/resolve/${this.commit}/`.length), request, response);
    } else {
      response.writeHead(404, { 'x-error-code': 'RepoNotFound' }).end();
    }
  }

  #revision(revision: string, response: ServerResponse): void {
    if (!['main', 'v1', this.commit].includes(revision)) {
      response.writeHead(404, { 'x-error-code': 'RevisionNotFound' }).end();
      return;
    }
    const siblings = Object.keys(this.#files).map((rfilename) => ({ rfilename }));
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ id: 'someone/policy', sha: this.commit, siblings }));
  }

  #resolve(path: string, request: IncomingMessage, response: ServerResponse): void {
    const content = this.#files[path];
    if (!content) {
      response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
      return;
    }
    if (path.endsWith('.safetensors')) {
      const { port } = this.#storage.address() as AddressInfo;
      response
        .writeHead(302, {
          location: `http://127.0.0.1:${port}/${path}`,
          'x-linked-etag': `"${createHash('sha256').update(content).digest('hex')}"`,
          'x-linked-size': String(content.byteLength),
        })
        .end();
      return;
    }
    const etag = `"${createHash('sha1').update(`blob ${content.byteLength}\0`).update(content).digest('hex')}"`;
    response.writeHead(200, { etag, 'content-length': content.byteLength }).end(request.method === 'HEAD' ? undefined : content);
  }

  #store(request: IncomingMessage, response: ServerResponse): void {
    this.#note('storage', request);
    const whole = this.#files[decodeURIComponent((request.url ?? '').slice(1))] ?? new Uint8Array(0);
    const content = this.corrupt ? whole.map((byte) => byte ^ 1) : whole;
    const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const part = content.subarray(Number(from), to === '' ? undefined : Number(to) + 1);
    const isPart = request.headers.range !== undefined;
    const end = Number(from) + part.byteLength - 1;
    response.writeHead(isPart ? 206 : 200, {
      etag: '"storage"',
      'content-length': part.byteLength,
      ...(isPart ? { 'content-range': `bytes ${from}-${end}/${content.byteLength}` } : {}),
    });
    const cut = request.url === '/model.safetensors' ? this.cuts.shift() : undefined;
    if (cut === undefined) {
      response.end(part);
      return;
    }
    // Long enough for what was sent to arrive before the connection ends.
    response.write(part.subarray(0, cut), () => setTimeout(() => response.destroy(), 150));
  }
}
