import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NoAdapterError } from '../../src/foundation/errors.js';
import { loadLibrary, rootAbove, unpackSwiftShader, useSwiftShader } from '../../src/platform/node/swiftshader.js';

const DRIVER = 'vk_swiftshader_icd.json';

describe('SwiftShader', () => {
  it.each([
    ['linux', 'arm64'],
    ['darwin', 'x64'],
    ['win32', 'x64'],
  ] as const)('is refused on %s %s', (platform, arch) => {
    expect(() => useSwiftShader(undefined, platform, arch)).toThrow(NoAdapterError);
    expect(() => useSwiftShader(undefined, platform, arch)).toThrow(`bundled for Linux x64 only, this is ${platform} ${arch}`);
  });

  // The package has no binaries for other platforms.
  describe.runIf(process.platform === 'linux' && process.arch === 'x64')('on disk', () => {
    let folder: string;
    /** A place where nothing can be unpacked: its parent is a file. */
    let blocked: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'warmstep-unpack-'));
      await writeFile(join(folder, 'file'), '');
      blocked = join(folder, 'file', 'cache');
      await mkdir(join(folder, 'tmp'));
      vi.stubEnv('TMPDIR', join(folder, 'tmp'));
    });
    afterEach(async () => {
      vi.unstubAllEnvs();
      vi.restoreAllMocks();
      await rm(folder, { recursive: true });
    });
    const inTemporary = (): Promise<string[]> => readdir(join(folder, 'tmp'));

    it('is unpacked once, beside the package', async () => {
      const unpacked = unpackSwiftShader(join(folder, 'cache'));
      expect(existsSync(join(unpacked, DRIVER))).toBe(true);
      expect(unpackSwiftShader(join(folder, 'cache'))).toBe(unpacked);
      expect(await readdir(join(folder, 'cache'))).toEqual([basename(unpacked)]);
      expect(await inTemporary()).toEqual([]);
    });

    it('goes to a folder of this user where that fails, and prefers the first place when both have it', async () => {
      const unpacked = unpackSwiftShader(blocked);
      expect(existsSync(join(unpacked, DRIVER))).toBe(true);
      expect(await inTemporary()).toEqual([expect.stringMatching(new RegExp(`^warmstep-swiftshader-.*-${process.getuid?.()}$`))]);
      expect(unpackSwiftShader(blocked)).toBe(unpacked);
      expect(unpackSwiftShader(join(folder, 'cache'))).toContain(join(folder, 'cache'));
    });

    it('is not taken from a folder of another user', async () => {
      const ours = unpackSwiftShader(blocked);
      const uid = Number(process.getuid?.());
      // The process of the next user finds a folder under its name that this user made.
      const found = ours.replace(new RegExp(`${uid}$`), String(uid + 1));
      await rename(ours, found);
      vi.spyOn(process, 'getuid').mockReturnValue(uid + 1);
      expect(() => unpackSwiftShader(blocked)).toThrow(NoAdapterError);
      expect(() => unpackSwiftShader(blocked)).toThrow(`"${found}" for SwiftShader belongs to another user`);
    });

    it.each(['build/index.js', 'build/cjs/index.cjs'])('is found from %s, whatever lies between', async (module) => {
      const root = join(folder, 'chromium');
      await mkdir(join(root, 'build/cjs'), { recursive: true });
      await mkdir(join(root, 'bin'));
      await writeFile(join(root, 'build/cjs/package.json'), '{ "type": "commonjs" }');
      expect(() => rootAbove(join(root, module))).toThrow(/installed without bin\/swiftshader.tar.br/);
      await writeFile(join(root, 'bin/swiftshader.tar.br'), '');
      expect(rootAbove(join(root, module))).toBe(root);
    });

    it('that cannot be unpacked or loaded is a missing adapter, with a remedy', async () => {
      vi.stubEnv('TMPDIR', blocked);
      expect(() => unpackSwiftShader(blocked)).toThrow(NoAdapterError);
      expect(() => unpackSwiftShader(blocked)).toThrow(/cannot be unpacked.*set TMPDIR/);
      const library = join(folder, 'libvulkan.so.1');
      await writeFile(library, 'not a library');
      expect(() => loadLibrary(library)).toThrow(NoAdapterError);
      expect(() => loadLibrary(library)).toThrow(/cannot be loaded \(.*\): delete the folder/);
    });
  });
});
