import { existsSync, lstatSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { NoAdapterError } from '../../foundation/errors.js';
import { makeFolder } from './make-folder.js';

const PACKAGE = '@sparticuz/chromium';
const LOADER = 'libvulkan.so.1';
const DRIVER = 'vk_swiftshader_icd.json';
const ARCHIVE = 'bin/swiftshader.tar.br';
/** Keeps the loader in the process although Node believes that opening it failed (RTLD_NODELETE). */
const RTLD_NODELETE = 0x1000;

/**
 * Makes the SwiftShader driver of the development dependency `@sparticuz/chromium` the only Vulkan driver of this
 * process: no system loader, no root, no restart needed. Dawn looks for `libvulkan.so.1` by name, and finds the loader
 * that is already in the process.
 * `load` opens a library for good, as the runtime does that.
 * @throws NoAdapterError where the platform is not Linux x64, or the driver is not installed, not unpacked or not loaded.
 */
export function useSwiftShader(
  load: (path: string) => void = loadLibrary,
  platform: NodeJS.Platform = process.platform,
  arch: NodeJS.Architecture = process.arch,
): void {
  // The package has binaries for x64 alone, and installs without complaint everywhere else.
  if (platform !== 'linux' || arch !== 'x64') {
    throw new NoAdapterError(`the software adapter SwiftShader is bundled for Linux x64 only, this is ${platform} ${arch}`);
  }
  const folder = unpackSwiftShader();
  process.env['VK_DRIVER_FILES'] = join(folder, DRIVER);
  load(join(folder, LOADER));
}

/** @throws NoAdapterError where the system's dynamic linker refuses the file. */
export function loadLibrary(path: string): void {
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  try {
    process.dlopen({ exports: {} }, path, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
  } catch (error) {
    const { message } = error as Error;
    // It is a library, not an addon: Node loads it and then complains that it did not register itself.
    if (message.includes('did not self-register')) return;
    throw new NoAdapterError(
      `SwiftShader's Vulkan loader cannot be loaded (${message}): delete the folder "${dirname(path)}", so that it is unpacked again, ` +
        'and see that its file system is not mounted noexec',
      { cause: error },
    );
  }
}

/**
 * The folder of the driver, unpacked once: in `cache` (default: node_modules/.cache beside the package), else in the
 * temporary folder.
 * @throws NoAdapterError where the package is not installed, or both places are of no use.
 */
export function unpackSwiftShader(cache?: string): string {
  const root = packageRoot();
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const name = `warmstep-swiftshader-${version}`;
  try {
    // …/node_modules/@sparticuz/chromium → …/node_modules/.cache
    return unpackOnce(root, join(cache ?? resolve(root, '../../.cache'), name));
  } catch {
    // An installation may be read-only for this user.
  }
  const owner = process.getuid?.();
  const folder = join(tmpdir(), `${name}-${owner}`);
  try {
    return unpackOnce(root, folder, owner);
  } catch (error) {
    if (error instanceof NoAdapterError) throw error;
    const { message } = error as Error;
    throw new NoAdapterError(`SwiftShader cannot be unpacked to "${folder}" (${message}): set TMPDIR to another folder`, {
      cause: error,
    });
  }
}

function unpackOnce(root: string, folder: string, owner?: number): string {
  if (isUnpacked(folder, owner)) return folder;
  const files = readTar(brotliDecompressSync(readFileSync(join(root, ARCHIVE))));
  // Into a folder of its own that is then renamed, so that processes that start together do not see half a driver.
  makeFolder(dirname(folder));
  const unfinished = mkdtempSync(`${folder}-`);
  try {
    for (const [file, content] of files) {
      makeFolder(dirname(join(unfinished, file)));
      writeFileSync(join(unfinished, file), content, { mode: 0o755 });
    }
    renameSync(unfinished, folder);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    // Another process may have been faster.
    if (!isUnpacked(folder, owner)) throw error;
  }
  return folder;
}

/** With an owner, the folder of anybody else is refused: everyone can write to the temporary folder. */
function isUnpacked(folder: string, owner: number | undefined): boolean {
  // Not stat: a link that somebody put there is theirs, whatever it leads to.
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found && owner !== undefined && found.uid !== owner) {
    throw new NoAdapterError(`the folder "${folder}" for SwiftShader belongs to another user: delete it, or set TMPDIR to another folder`);
  }
  return found !== undefined && existsSync(join(folder, DRIVER));
}

function packageRoot(): string {
  let module: string;
  try {
    module = createRequire(import.meta.url).resolve(PACKAGE);
  } catch {
    throw new NoAdapterError(
      `the software adapter SwiftShader comes with the development dependency ${PACKAGE}, which is not installed: npm install --save-dev ${PACKAGE}`,
    );
  }
  return rootAbove(module);
}

/** The folder above a module that holds the driver: how deep the modules of the package lie differs from version to version. */
export function rootAbove(module: string): string {
  for (let folder = dirname(module); dirname(folder) !== folder; folder = dirname(folder)) {
    if (existsSync(join(folder, ARCHIVE))) return folder;
  }
  throw new NoAdapterError(`${PACKAGE} is installed without ${ARCHIVE}, the software adapter SwiftShader: install version 147 or newer`);
}

/** Regular files of a tar archive. */
function readTar(archive: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let offset = 0; offset + 512 <= archive.length; ) {
    const field = (start: number, length: number): string =>
      archive.toString('latin1', offset + start, offset + start + length).replace(/\0.*$/s, '');
    const name = field(0, 100);
    if (name === '') break;
    const size = parseInt(field(124, 12), 8);
    const type = field(156, 1);
    if (type === '' || type === '0') files.set(name, archive.subarray(offset + 512, offset + 512 + size));
    offset += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
