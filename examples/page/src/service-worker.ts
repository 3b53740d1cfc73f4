/** Keeps the page's own files, so that it works offline once it was loaded; what is newer on the server wins while there is a network. */
const CACHE = 'warmstep-page';

interface WorkerScope {
  readonly location: Location;
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: string, listener: (event: FetchLikeEvent) => void): void;
}

interface FetchLikeEvent {
  readonly request: Request;
  waitUntil(work: Promise<unknown>): void;
  respondWith(response: Promise<Response>): void;
}

const scope = self as unknown as WorkerScope;

scope.addEventListener('install', (event) => event.waitUntil(scope.skipWaiting()));
scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener('fetch', (event) => {
  const { request } = event;
  const isOwn = new URL(request.url).origin === scope.location.origin;
  const { pathname } = new URL(request.url);
  const isBundled = pathname.includes('/checkpoint/');
  // Of the bundled policy whole files are kept, whatever part is asked for. Parts of others are not: they are theirs to serve who have them.
  if (!isOwn || request.method !== 'GET' || (request.headers.has('range') && !isBundled)) return;
  event.respondWith(fromNetwork(isBundled ? new Request(request.url) : request));
});

async function fromNetwork(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}
