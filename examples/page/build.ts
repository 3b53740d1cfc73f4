/**
 * Builds the page into a folder (`npm run page`: out/page), and with `--port N` serves it on localhost. What comes out is static:
 * any web server will do.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { parseCommandLine } from '../../src/terminal/command-line.js';
import { atMost, integerOption } from '../../src/terminal/options.js';
import { print } from '../../src/terminal/output.js';
import { runScript } from '../../tools/script.js';

const ROOT = rootOf(dirname(fileURLToPath(import.meta.url)));
const USAGE = `usage: npm run page -- [options]

  --output DIR   where the page goes (default out/page)
  --port N       serves it on this machine`;
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
  await runScript('npm run page --', USAGE, async (args) => {
    const { values, positionals } = parseCommandLine(args, { output: { type: 'string' }, port: { type: 'string' } });
    atMost(positionals, 0);
    const port = integerOption('port', values.port, 0, 65_535);
    const { output = join(ROOT, 'out/page') } = values;
    await buildPage(output);
    if (port === undefined) {
      print(`written to ${output}: put it on any web server`);
    } else {
      const { url } = await servePage(output, port);
      print(`${output} at ${url} (Ctrl-C ends it)`);
    }
    return 0;
  });
}
