/**
 * Builds the page into a folder (`npm run page`: out/page), and with `--serve [PORT]` serves it on localhost. What comes out is static:
 * any web server will do.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const ROOT = rootOf(dirname(fileURLToPath(import.meta.url)));
const PAGE = join(ROOT, 'examples/page');
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.wasm': 'application/wasm',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
};

/** Scripts, sheet, and the bundled checkpoint with the list of its files, which `urlSource` reads. */
export async function buildPage(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const built = (file: string): string => join(ROOT, 'dist/src', file);
  await build({
    entryPoints: {
      page: join(PAGE, 'src/main.ts'),
      arm: join(PAGE, 'src/arm.ts'),
      worker: join(PAGE, 'src/worker.ts'),
      'check-worker': join(PAGE, 'src/check-worker.ts'),
      'service-worker': join(PAGE, 'src/service-worker.ts'),
    },
    outdir: folder,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    alias: {
      warmstep: built('platform/web/index.js'),
      'warmstep/worker': built('entries/worker.js'),
      'warmstep/push-t': built('entries/push-t.js'),
      'warmstep/robots': built('entries/robots.js'),
      'warmstep/evaluation': built('entries/evaluation.js'),
      // No entry of the package: the page lies in the checkout, and shows what the command line has.
      'warmstep/known-answer': built('cli/known-answer.js'),
    },
  });
  for (const file of ['index.html', 'arm.html', 'style.css']) cpSync(join(PAGE, file), join(folder, file));
  for (const name of ['policy', 'predictor']) {
    const from = join(ROOT, 'checkpoints/pusht-state', name);
    const to = join(folder, 'checkpoint', name);
    cpSync(from, to, { recursive: true });
    writeFileSync(join(to, 'index.json'), JSON.stringify(readdirSync(from)));
  }
}

/** Serves a folder on this machine alone. Returns the address. */
export async function servePage(folder: string, port: number): Promise<{ readonly url: string; close(): void }> {
  const server = createServer(({ url = '/' }, response) => {
    const path = normalize(decodeURIComponent(new URL(url, 'http://page').pathname));
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
    if (!file.startsWith(folder) || !statSync(file, { throwIfNoEntry: false })?.isFile()) {
      response.writeHead(404).end('not found');
      return;
    }
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'cache-control': 'no-cache' });
    response.end(readFileSync(file));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const { port: taken } = server.address() as { readonly port: number };
  return {
    url: `http://localhost:${taken}/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function rootOf(from: string): string {
  return statSync(join(from, 'package.json'), { throwIfNoEntry: false }) ? from : rootOf(dirname(from));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { output: { type: 'string', default: join(ROOT, 'out/page') }, port: { type: 'string' } } });
  await buildPage(values.output);
  if (values.port === undefined) {
    console.log(`written to ${values.output}: put it on any web server`);
  } else {
    const { url } = await servePage(values.output, Number(values.port));
    console.log(`${values.output} at ${url} (Ctrl-C ends it)`);
  }
}
