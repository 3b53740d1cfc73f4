import { afterEach, describe, expect, it, vi } from 'vitest';
import { NoAdapterError, OptionError } from '../../src/foundation/errors.js';
import { createGpu, folderSource, loadPolicy, openDevice } from '../../src/platform/web/index.js';

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('warmstep where there is no Node', () => {
  it('says what to give in place of a folder', async () => {
    for (const refused of [loadPolicy('checkpoints/policy'), folderSource('checkpoints/policy')]) {
      await expect(refused).rejects.toThrow(OptionError);
      await expect(refused).rejects.toThrow(/"checkpoints\/policy": expected a source, found a path.*blobSource/);
    }
  });

  it('refuses what a browser does not let anyone choose', async () => {
    await expect(createGpu('swiftshader')).rejects.toThrow(/adapter must be "auto" here, found "swiftshader"/);
    await expect(createGpu('auto', { profile: 'fast' })).rejects.toThrow(/profile must be "safe" here, found "fast"/);
    await expect(openDevice({ variants: 'mine' as 'tuned' })).rejects.toThrow(OptionError);
  });

  it('uses the WebGPU of the runtime, or says why there is none', async () => {
    const gpu = { requestAdapter: async () => null };
    vi.stubGlobal('navigator', { gpu });
    expect(await createGpu()).toBe(gpu);
    await expect(openDevice()).rejects.toThrow(NoAdapterError);

    vi.stubGlobal('navigator', {});
    await expect(createGpu()).rejects.toThrow(/navigator.gpu is missing. Use a browser with WebGPU/);
    vi.stubGlobal('isSecureContext', false);
    await expect(createGpu()).rejects.toThrow(NoAdapterError);
    await expect(createGpu()).rejects.toThrow(/no secure context. Serve it by https, or from localhost/);
  });
});
