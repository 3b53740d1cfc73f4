import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { constants } from 'node:os';
import { brotliDecompressSync } from 'node:zlib';
import { NoAdapterError } from '../../errors.js';

const PACKAGE = '@sparticuz/chromium';
const LOADER = 'libvulkan.so.1';
const DRIVER = 'vk_swiftshader_icd.json';
/** Keeps the loader in the process although Node believes that opening it failed (RTLD_NODELETE). */
const RTLD_NODELETE = 0x1000;

/**
 * Makes the SwiftShader driver of the development dependency `@sparticuz/chromium` the only Vulkan driver of this
 * process: no system loader, no root, no restart needed. Dawn looks for `libvulkan.so.1` by name, and finds the loader
 * that is already in the process.
 * @throws NoAdapterError where the package is not installed or the platform is not Linux.
 */
export function useSwiftShader(): void {
  const folder = unpackSwiftShader();
  process.env['VK_DRIVER_FILES'] = join(folder, DRIVER);
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  try {
    process.dlopen({ exports: {} }, join(folder, LOADER), RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
  } catch (error) {
    // It is a library, not an addon: Node loads it and then complains that it did not register itself.
    if (!String(error).includes('did not self-register')) throw error;
  }
}

/** The folder of the unpacked driver; unpacked once, beside the package or in the temporary folder. */
function unpackSwiftShader(): string {
  if (process.platform !== 'linux') {
    throw new NoAdapterError(`the software adapter SwiftShader is bundled for Linux only, this is ${process.platform}`);
  }
  const root = packageRoot();
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const name = `warmstep-swiftshader-${version}-${process.arch}`;
  // …/node_modules/@sparticuz/chromium → …/node_modules/.cache
  const places = [join(resolve(root, '../..'), '.cache'), tmpdir()];
  for (const place of places) {
    if (existsSync(join(place, name, DRIVER))) return join(place, name);
  }
  const files = readTar(brotliDecompressSync(readFileSync(join(root, 'bin', 'swiftshader.tar.br'))));
  for (const place of places) {
    try {
      return unpackInto(place, name, files);
    } catch (error) {
      if (place === places.at(-1)) throw error;
    }
  }
  throw new NoAdapterError('SwiftShader could not be unpacked');
}

/** Writes to a folder of its own and renames it, so that processes that start together do not see half a driver. */
function unpackInto(place: string, name: string, files: ReadonlyMap<string, Buffer>): string {
  mkdirSync(place, { recursive: true });
  const folder = mkdtempSync(join(place, `${name}-`));
  for (const [file, content] of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), content, { mode: 0o755 });
  }
  const target = join(place, name);
  try {
    renameSync(folder, target);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    if (!existsSync(join(target, DRIVER))) throw error;
  }
  return target;
}

function packageRoot(): string {
  try {
    return resolve(dirname(createRequire(import.meta.url).resolve(PACKAGE)), '..');
  } catch {
    throw new NoAdapterError(
      `the software adapter SwiftShader comes with the development dependency ${PACKAGE}, which is not installed: npm install --save-dev ${PACKAGE}`,
    );
  }
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
