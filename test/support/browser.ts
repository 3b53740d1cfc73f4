import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { DevTools } from './dev-tools.js';
import { Page, type PageOptions } from './page.js';

const PACKAGE = '@sparticuz/chromium';
const ARGUMENTS = [
  // The packed build is the headless shell, and machines of CI are root without user namespaces and with a small /dev/shm.
  '--headless=shell',
  '--no-sandbox',
  '--no-zygote',
  '--disable-gpu',
  // WebGPU on SwiftShader, which lies beside the binary.
  '--enable-unsafe-webgpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--remote-debugging-pipe',
  '--hide-scrollbars',
];

/** Headless Chromium from the development dependency `@sparticuz/chromium`, for tests of pages. */
export class Browser {
  readonly #process: ChildProcess;
  readonly #tools: DevTools;
  readonly #profile: string;

  private constructor(process: ChildProcess, tools: DevTools, profile: string) {
    this.#process = process;
    this.#tools = tools;
    this.#profile = profile;
  }

  /** Undefined where the package has no Chromium for this platform, or is not installed: the caller says so. */
  static async launch(): Promise<Browser | undefined> {
    const folder = unpackChromium();
    if (folder === undefined) return undefined;
    const profile = mkdtempSync(join(tmpdir(), 'warmstep-browser-'));
    const child = spawn(join(folder, 'chromium'), [...ARGUMENTS, `--user-data-dir=${profile}`], {
      // The protocol's pipes are 3 and 4. Its messages about missing system services are noise.
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, LD_LIBRARY_PATH: join(folder, 'lib'), FONTCONFIG_FILE: join(folder, 'fonts.conf'), HOME: profile },
    });
    const browser = new Browser(child, new DevTools(child), profile);
    await browser.#tools.send('Browser.getVersion');
    return browser;
  }

  /** A page of its own, opened and loaded. */
  async open(url: string, options: PageOptions): Promise<Page> {
    return Page.open(this.#tools, url, options);
  }

  async close(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = once(this.#process, 'exit');
      const impatience = setTimeout(() => this.#process.kill('SIGKILL'), 5_000);
      // Its answer may be lost with the process.
      this.#tools.send('Browser.close').catch(() => undefined);
      await gone;
      clearTimeout(impatience);
    }
    rmSync(this.#profile, { recursive: true, force: true });
  }
}

/** The package's own fonts alone: Chromium ends without any, and text is as wide on every machine. */
function fontSettings(folder: string): string {
  return `<?xml version="1.0"?><fontconfig><dir>${join(folder, 'fonts')}</dir><cachedir>${join(folder, 'font-cache')}</cachedir></fontconfig>`;
}

/** Unpacked once, to node_modules/.cache: it takes seconds and 210 MB. */
function unpackChromium(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const root = packageRoot();
  if (root === undefined) return undefined;
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  // …/node_modules/@sparticuz/chromium → …/node_modules/.cache
  const folder = resolve(root, '../../.cache', `warmstep-chromium-webgpu-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const unfinished = mkdtempSync(`${folder}-`);
  const unpacked = (file: string): Buffer => brotliDecompressSync(readFileSync(join(root, 'bin', file)));
  writeFileSync(join(unfinished, 'chromium'), unpacked('chromium.br'), { mode: 0o755 });
  // The software driver, and the system libraries that Chromium links to and a bare machine lacks (NSS, NSPR, Expat).
  for (const archive of ['swiftshader.tar.br', 'al2023.tar.br', 'fonts.tar.br'])
    execFileSync('tar', ['-x', '-C', unfinished], { input: unpacked(archive) });
  writeFileSync(join(unfinished, 'fonts.conf'), fontSettings(folder));
  try {
    renameSync(unfinished, folder);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    // Another process may have been faster.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

function packageRoot(): string | undefined {
  try {
    return resolve(dirname(createRequire(import.meta.url).resolve(PACKAGE)), '..');
  } catch {
    return undefined;
  }
}
