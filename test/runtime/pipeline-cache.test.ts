import { describe, expect, it } from 'vitest';
import { startKernel } from '../../kernels/sampling/start.wgsl.js';
import { ShaderError } from '../../src/foundation/errors.js';
import type { LoadProgress } from '../../src/policy/load-progress.js';
import { PipelineCache } from '../../src/runtime/pipeline-cache.js';
import { openTestDevice, useOwnTestDevice } from '../support/device.js';
import { loadGolden } from '../support/golden-policy.js';

describe('PipelineCache', () => {
  const device = useOwnTestDevice();

  it('compiles a text once, however often it is asked for', async () => {
    const cache = new PipelineCache(device().gpuDevice);
    const first = cache.get(startKernel(32, 64));
    expect(cache.get(startKernel(32, 64))).toBe(first);
    const other = cache.get(startKernel(33, 64));
    expect(other).not.toBe(first);
    expect(cache.size).toBe(2);
    // Same kinds of bindings, same layout: bind groups fit both.
    expect((await other).bindGroupLayout).toBe((await first).bindGroupLayout);
  });

  it('tells of every kernel of a policy that is loaded: when it is compiled, and when it first ran', async () => {
    const events: { fraction: number; at: LoadProgress }[] = [];
    const before = device().pipelines.size;
    const policy = await loadGolden(device(), 'state-bias-film', { onProgress: (fraction, at) => events.push({ fraction, at }) });
    const of = (stage: LoadProgress['stage']): LoadProgress[] => events.map(({ at }) => at).filter((at) => at.stage === stage);
    const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

    const compiled = device().pipelines.size - before;
    expect(compiled).toBeGreaterThan(10);
    expect(of('kernels').map(({ done }) => done)).toEqual(upTo(compiled));
    expect(of('kernels').at(-1)).toMatchObject({ done: compiled, total: compiled, kernel: expect.stringMatching(/./) });
    const first = of('first runs');
    expect(first.map(({ done }) => done)).toEqual(upTo(first.length));
    // Those of the table of timesteps ran before.
    expect(first.length).toBeGreaterThan(10);
    expect(first.length).toBeLessThanOrEqual(compiled);
    expect(new Set(first.map(({ total }) => total))).toEqual(new Set([first.length]));
    expect(events.map(({ fraction }) => fraction)).toEqual(events.map(({ fraction }) => fraction).sort((a, b) => a - b));
    expect(events.at(-1)).toMatchObject({ fraction: 1, at: { stage: 'first runs' } });
    await policy.dispose();
  });

  it('compiles nothing for a second policy of the same sizes on the device', async () => {
    const first = await loadGolden(device(), 'state-bias-film');
    const { size } = device().pipelines;
    const second = await loadGolden(device(), 'state-bias-film');
    expect(device().pipelines.size).toBe(size);
    await first.dispose();
    await second.dispose();
  });

  it.each([
    ['a text that is no WGSL', (code: string) => code.replace('fn main(', 'fn main(('), /line \d+: error/],
    [
      'a text with a type error',
      (code: string) => code.replace('let scale = scales[id.z];', 'let scale: u32 = scales[id.z];'),
      /line \d+: error/,
    ],
    ['a text without the entry point', (code: string) => code.replace('fn main(', 'fn other('), /main/],
    [
      'a text whose bindings are not those of the kernel',
      (code: string) => code.replace('var<storage, read> noise', 'var<storage, read_write> noise'),
      /binding/i,
    ],
  ])("%s is an error with the kernel's label and numbered lines, not zeros", async (_, edit, message) => {
    const kernel = startKernel(32, 64);
    expect(edit(kernel.code)).not.toBe(kernel.code);
    const cache = new PipelineCache(device().gpuDevice, ({ code }) => edit(code));
    const compiling = cache.get(kernel);
    await expect(compiling).rejects.toThrow(ShaderError);
    await expect(compiling).rejects.toThrow(/^kernel "start 32" is not valid on this device/);
    await expect(compiling).rejects.toThrow(message);
    await expect(compiling).rejects.toThrow(/\n +1 {2}.*\n +2 {2}/);
    device().assertUsable();
  });

  it('makes loading a policy fail with that error', async () => {
    const broken = await openTestDevice({
      transformShader: ({ label, code }) => (label.startsWith('solver_step') ? code.replace('var next', 'let next') : code),
    });
    const loading = loadGolden(broken, 'state-bias-film');
    await expect(loading).rejects.toThrow(ShaderError);
    await expect(loading).rejects.toThrow(/kernel "solver_step/);
    broken.dispose();
  });
});
