import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ByteSource, CheckpointSource } from '../../src/checkpoints/source.js';
import { CheckpointError } from '../../src/foundation/errors.js';
import { openDevice } from '../../src/platform/node/device.js';
import { loadPolicy as loadNodePolicy } from '../../src/platform/node/load-policy.js';
import { variantFile } from '../../src/platform/node/variants.js';
import { type LoadPolicyOptions, loadPolicy } from '../../src/policy/load-policy.js';
import { USAGE } from '../../src/runtime/buffers.js';
import { sharedTestDevice, useTestDevice } from '../support/device.js';
import { DeviceCalls } from '../support/device-calls.js';
import { golden } from '../support/folders.js';
import { decideTogether, loadGolden, window } from '../support/golden-policy.js';

describe('loading a policy', () => {
  const device = useTestDevice();
  let calls: DeviceCalls | undefined;

  afterEach(() => {
    calls?.restore();
    calls = undefined;
  });

  function countCalls(): DeviceCalls {
    const { gpuDevice } = device();
    const buffer = gpuDevice.createBuffer({ size: 16, usage: USAGE.copyDestination });
    buffer.destroy();
    calls = new DeviceCalls(gpuDevice, buffer);
    return calls;
  }

  it('reports progress that only grows, and ends at 1', async () => {
    const progress: number[] = [];
    const policy = await loadGolden(device(), 'state-bias-film', { onProgress: (fraction) => progress.push(fraction) });
    expect(progress.length).toBeGreaterThan(3);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(progress[0]).toBeGreaterThan(0);
    expect(progress.at(-1)).toBe(1);
    await policy.dispose();
  });

  it('and disposing of it destroys every buffer that was made, also those for other batch sizes', async () => {
    const { counts } = countCalls();
    expect(counts).toEqual({});
    const policy = await loadGolden(device(), 'step-forward-noise', { predictor: true });
    await decideTogether(policy, 0, 2);
    await policy.dispose();
    expect(calls?.counts.createBuffer).toBeGreaterThan(100);
    expect(calls?.counts.destroy).toBe(calls?.counts.createBuffer);
  });

  it('rejects with the reason of a signal that was aborted before, without touching the device', async () => {
    const reason = new Error('not any more');
    countCalls();
    const options = { device: device(), signal: AbortSignal.abort(reason) };
    await expect(loadPolicy(golden('state-bias-film/policy'), options)).rejects.toBe(reason);
    expect(calls?.counts).toEqual({});
  });

  it.each([0.1, 0.5, 1])('stops when it is aborted at %f, rejects with the reason, and destroys what it made', async (when) => {
    const controller = new AbortController();
    const reason = new Error('stop');
    const onProgress = (fraction: number): void => {
      if (fraction >= when) controller.abort(reason);
    };
    countCalls();
    await expect(loadGolden(device(), 'state-bias-film', { signal: controller.signal, onProgress })).rejects.toBe(reason);
    expect(calls?.counts.createBuffer).toBeGreaterThan(0);
    expect(calls?.counts.destroy).toBe(calls?.counts.createBuffer);
  });

  it('stops when it is aborted while it warms up', async () => {
    const controller = new AbortController();
    const reason = new Error('stop');
    let disposals = 0;
    countCalls();
    // The rehearsal is the first to wait for submitted work.
    const { queue } = device().gpuDevice;
    const wait = queue.onSubmittedWorkDone;
    queue.onSubmittedWorkDone = function (this: GPUQueue) {
      controller.abort(reason);
      return wait.call(this);
    };
    try {
      const loading = loadGolden(device(), 'state-bias-film', { signal: controller.signal, onDispose: () => disposals++ });
      await expect(loading).rejects.toBe(reason);
    } finally {
      queue.onSubmittedWorkDone = wait;
    }
    expect(calls?.counts.destroy).toBe(calls?.counts.createBuffer);
    expect(disposals).toBe(0);
  });

  it('destroys what it made when a tensor cannot be read, and when an option is found wrong at the end', async () => {
    countCalls();
    const broken = withBrokenReads(golden('state-bias-film/policy'), 40);
    await expect(loadPolicy(broken, { device: device() })).rejects.toThrow('the disk is gone');
    expect(calls?.counts.createBuffer).toBeGreaterThan(0);
    expect(calls?.counts.destroy).toBe(calls?.counts.createBuffer);
    await expect(loadGolden(device(), 'state-bias-film', { strategy: { name: 'STEP' } })).rejects.toThrow(/needs a predictor/);
    expect(calls?.counts.destroy).toBe(calls?.counts.createBuffer);
  });

  it.each<[string, LoadPolicyOptions]>([
    ['loaded', {}],
    ['refused', { strategy: { name: 'STEP', budget: -1 } }],
  ])('closes the sources once the policy is %s', async (_, options) => {
    let closed = 0;
    const counted = (source: CheckpointSource): CheckpointSource => ({ ...source, close: async () => void closed++ });
    const loading = loadPolicy(counted(golden('step-forward-noise/policy')), {
      ...options,
      device: device(),
      networks: { predictor: counted(golden('step-forward-noise/predictor')) },
    });
    await loading.then(
      (policy) => policy.dispose(),
      () => undefined,
    );
    expect(closed).toBe(2);
  });
});

describe('a policy from a folder', () => {
  it('opens a device of its own and disposes of it', async () => {
    const folder = fileURLToPath(new URL('../goldens/state-bias-film/policy', import.meta.url));
    let disposals = 0;
    const policy = await loadNodePolicy(folder, { onDispose: () => disposals++ });
    const { adapter } = policy.info;
    expect(`${adapter.vendor} ${adapter.description}`).toMatch(/swiftshader|llvmpipe/i);
    expect((await policy.decide(window(policy))).warm).toBe(false);
    expect(disposals).toBe(0);
    await policy.dispose();
    expect(disposals).toBe(1);
  });

  it('that is not there, or an option that is not known, is refused before a device is opened', async () => {
    await expect(loadNodePolicy('/no/such/folder')).rejects.toThrow(/"\/no\/such\/folder" does not exist/);
    await expect(loadNodePolicy('/no/such/folder', { adaptor: 'auto' } as object)).rejects.toThrow(/unknown option "adaptor".*adapter/);
  });
});

describe('a policy from a folder that is written to', () => {
  const device = useTestDevice();
  let folder: string;
  let calls: DeviceCalls | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'warmstep-loading-'));
    cpSync(fileURLToPath(new URL('../goldens/step-forward-noise', import.meta.url)), folder, { recursive: true });
  });
  afterEach(() => {
    calls?.restore();
    calls = undefined;
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['policy/model.safetensors', (path: string) => utimesSync(path, 1, 1)],
    ['policy/config.json', (path: string) => appendFileSync(path, ' ')],
    ['predictor/model.safetensors', (path: string) => utimesSync(path, 1, 1)],
  ])('is refused when %s changes meanwhile, and leaves nothing on the device', async (file, change) => {
    const { gpuDevice } = device();
    const buffer = gpuDevice.createBuffer({ size: 16, usage: USAGE.copyDestination });
    buffer.destroy();
    calls = new DeviceCalls(gpuDevice, buffer);
    const path = join(folder, file);
    const loading = loadNodePolicy(join(folder, 'policy'), {
      device: device(),
      networks: { predictor: join(folder, 'predictor') },
      onProgress: (fraction) => {
        // Every file is open by then, and the predictor's weights are still to be read.
        if (fraction > 0.4 && fraction < 0.6) change(path);
      },
    });
    await expect(loading).rejects.toThrow(CheckpointError);
    await expect(loading).rejects.toThrow(`"${path}" was written to while it was read, so what was read may be a mixture of two files.`);
    expect(calls.counts.createBuffer).toBeGreaterThan(0);
    expect(calls.counts.destroy).toBe(calls.counts.createBuffer);
  });
});

describe('a table of variants that cannot be used', () => {
  let cache: string;

  beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), 'warmstep-cache-'));
    vi.stubEnv('XDG_CACHE_HOME', cache);
    vi.stubEnv('WARMSTEP_VARIANTS', undefined);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(cache, { recursive: true });
  });

  it('is a warning of the device, not an error', async () => {
    const first = await openDevice();
    expect(first.warnings).toEqual([]);
    const file = variantFile(first.adapter);
    first.dispose();
    mkdirSync(join(cache, 'warmstep'));
    writeFileSync(file, '');
    const device = await openDevice();
    const warning = expect.stringContaining(`${file}: expected a table of variants as JSON`);
    expect([device.adapter.variants, device.variants, device.warnings]).toEqual(['shipped', undefined, [warning]]);
    device.dispose();
  });

  it('is a warning of every policy on the device', async () => {
    const device = await sharedTestDevice();
    const { warnings } = device;
    Object.defineProperty(device, 'warnings', { value: ['the table is damaged'] });
    try {
      const policy = await loadPolicy(golden('state-ddim2/policy'), { device });
      expect(policy.info.warnings).toEqual(['the table is damaged']);
      await policy.dispose();
    } finally {
      Object.defineProperty(device, 'warnings', { value: warnings });
    }
  });

  it('is an error where the user gave it', async () => {
    const table = { version: 1, adapter: 'another one', convolutions: {} } as const;
    await expect(openDevice({ variants: table })).rejects.toThrow('option variants: expected a table of adapter');
  });
});

/** A source whose files fail after a number of reads. */
function withBrokenReads(source: CheckpointSource, reads: number): CheckpointSource {
  let left = reads;
  const broken = (file: ByteSource): ByteSource => ({
    ...file,
    read: async (offset, into) => {
      if (left-- === 0) throw new Error('the disk is gone');
      return file.read(offset, into);
    },
  });
  return { ...source, open: async (file) => broken(await source.open(file)) };
}
