import { describe, expect, it } from 'vitest';
import { NoAdapterError, OptionError } from '../../src/foundation/errors.js';
import { openDevice } from '../../src/platform/node/device.js';
import { createGpu } from '../../src/platform/node/gpu.js';
import { lavapipeFile } from '../../src/platform/node/lavapipe.js';
import { remedy } from '../../src/platform/node/remedy.js';

describe('the choice of an adapter', () => {
  it('names what is missing and the remedy when no adapter has that name', async () => {
    const refused = createGpu('no such adapter');
    await expect(refused).rejects.toThrow(NoAdapterError);
    await expect(refused).rejects.toThrow(/no adapter's name contains "no such adapter".*warmstep doctor/s);
    await expect(refused).rejects.toThrow(remedy());
  });

  it('refuses an empty choice, and says what can be given', async () => {
    await expect(createGpu('')).rejects.toThrow(OptionError);
    await expect(createGpu('')).rejects.toThrow(/auto, hardware, swiftshader, lavapipe/);
  });

  it('takes the environment variable where nothing is given, and an option over it', async () => {
    const before = process.env['WARMSTEP_ADAPTER'];
    const device = await openDevice();
    expect(`${device.adapter.vendor} ${device.adapter.description}`).toMatch(before === 'lavapipe' ? /llvmpipe/i : /swiftshader/i);
    device.dispose();
    process.env['WARMSTEP_ADAPTER'] = '';
    try {
      await expect(openDevice()).rejects.toThrow(OptionError);
      await expect(openDevice({ adapter: 'no such adapter' })).rejects.toThrow(NoAdapterError);
    } finally {
      process.env['WARMSTEP_ADAPTER'] = before;
    }
  });

  it('never takes a software adapter for hardware', async () => {
    const found = await createGpu('hardware').then(
      async (gpu) => (await gpu.requestAdapter())?.info.isFallbackAdapter,
      (error: unknown) => error,
    );
    if (found === false) return;
    expect(found).toBeInstanceOf(NoAdapterError);
    expect((found as Error).message).toMatch(/a hardware adapter was asked for/);
  });

  it.each<[NodeJS.Architecture, string[], string | undefined]>([
    ['x64', ['lvp_icd.i686.json', 'lvp_icd.x86_64.json', 'radeon_icd.x86_64.json'], 'lvp_icd.x86_64.json'],
    ['arm64', ['lvp_icd.aarch64.json', 'lvp_icd.json'], 'lvp_icd.aarch64.json'],
    ['x64', ['lvp_icd.i686.json', 'lvp_icd.json'], 'lvp_icd.json'],
    ['x64', ['lvp_icd.amd64.json', 'lvp_icd.txt'], 'lvp_icd.amd64.json'],
    ['x64', ['lvp_icd.aarch64.json', 'lvp_icd.i686.json'], undefined],
    ['x64', ['radeon_icd.json'], undefined],
  ])('takes the lavapipe of %s among %j', (arch, names, expected) => {
    expect(lavapipeFile(names, arch)).toBe(expected);
  });

  it.each<[NodeJS.Platform, RegExp]>([
    ['linux', /Vulkan driver.*apt install libvulkan1.*on Linux x64: .*WARMSTEP_ADAPTER=swiftshader/],
    ['darwin', /Metal.*npm rebuild webgpu/],
    ['win32', /Direct3D 12/],
    ['freebsd', /no build for freebsd/],
  ])('has a remedy for %s', (platform, expected) => {
    expect(remedy(platform)).toMatch(expected);
  });
});
