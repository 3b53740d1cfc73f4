import { afterEach, describe, expect, it, vi } from 'vitest';
import { ComputeDevice, type OpenDeviceOptions } from '../../src/runtime/device.js';
import { warmstep, warmstepJson } from '../support/captured.js';

interface Diagnosis {
  readonly ok: boolean;
  readonly adapter: { readonly description: string; readonly isFallback: boolean } | null;
  readonly limits: {
    readonly name: string;
    readonly granted: number;
    readonly least: number;
    readonly needed: number;
    readonly ok: boolean;
  }[];
  readonly knownAnswer: { readonly largestError: number; readonly ok: boolean } | null;
  readonly problems: string[];
  readonly advice: string[];
}

describe('warmstep doctor', () => {
  it('reports what is there, as JSON', async () => {
    const diagnosis = await warmstepJson<Diagnosis>('doctor');
    expect(diagnosis).toMatchObject({
      ok: true,
      problems: [],
      environment: { node: process.version, webgpu: expect.stringMatching(/^\d+\./), platform: `${process.platform} ${process.arch}` },
    });
    expect(diagnosis.adapter?.description).not.toBe('');
    expect(diagnosis.advice.length).toBe(diagnosis.adapter?.isFallback ? 1 : 0);
    expect(diagnosis.limits.map(({ name }) => name)).toContain('maxStorageBufferBindingSize');
    for (const { granted, needed, ok } of diagnosis.limits) expect(ok).toBe(granted >= needed);
    // The largest weight of the large network: 1024 × 4096 × 5 values of f32.
    expect(diagnosis.limits[0]?.needed).toBe(1024 * 4096 * 5 * 4);
  });

  it('has computed something', async () => {
    const { knownAnswer } = await warmstepJson<Diagnosis>('doctor');
    expect(knownAnswer?.ok).toBe(true);
    expect(knownAnswer?.largestError).toBeGreaterThan(0);
    expect(knownAnswer?.largestError).toBeLessThan(1e-5);
  });

  it('says so to people', async () => {
    const { code, stdout } = await warmstep('doctor');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^adapter +\S/m);
    expect(stdout).toContain('Policies can run here.');
  });

  it('ends with 1 and a remedy where there is no adapter', async () => {
    const { code, stdout } = await warmstep('doctor', '--adapter', 'no such adapter');
    expect(code).toBe(1);
    expect(stdout).toContain('problem: no adapter\'s name contains "no such adapter"');
    expect(stdout).toContain('Policies cannot run here.');
  });
});

describe('warmstep doctor on a defective device', () => {
  const open = ComputeDevice.open.bind(ComputeDevice);
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const diagnosisOf = async (device: (options?: OpenDeviceOptions) => Promise<ComputeDevice>): Promise<Diagnosis> => {
    vi.spyOn(ComputeDevice, 'open').mockImplementation(device);
    const { code, stdout } = await warmstep('doctor', '--json');
    expect(code).toBe(1);
    return JSON.parse(stdout) as Diagnosis;
  };

  it('reports a driver that refuses a kernel', async () => {
    const diagnosis = await diagnosisOf((options) => open({ ...options, transformShader: () => 'not WGSL' }));
    expect(diagnosis).toMatchObject({
      ok: false,
      knownAnswer: null,
      problems: [expect.stringMatching(/known-answer check failed: .*conv1d/s)],
    });
    expect(diagnosis.adapter).not.toBeNull();
  });

  it('reports a kernel with wrong results', async () => {
    const { problems } = await diagnosisOf((options) =>
      open({ ...options, transformShader: ({ code }) => code.replace(/fn main\([^{]*\{/, (start) => `${start}\n  if (true) { return; }`) }),
    );
    expect(problems).toEqual([expect.stringMatching(/the conv1d kernel is off by/)]);
  });

  it('reports a device that is lost', async () => {
    const { problems } = await diagnosisOf(async (options) => {
      const device = await open(options);
      device.gpuDevice.destroy();
      return device;
    });
    expect(problems).toEqual([expect.stringMatching(/known-answer check failed: the WebGPU device was destroyed/)]);
  });

  /** WebGPU's default limits, but one. */
  const withBindingSize = (size: number): void => {
    const limits = {
      maxStorageBufferBindingSize: size,
      maxBufferSize: 2 ** 28,
      maxStorageBuffersPerShaderStage: 8,
      maxComputeInvocationsPerWorkgroup: 256,
      maxComputeWorkgroupStorageSize: 16_384,
    };
    vi.spyOn(ComputeDevice.prototype, 'limits', 'get').mockReturnValue(limits as GPUSupportedLimits);
  };

  it('advises where only large networks do not fit', async () => {
    withBindingSize(2 ** 26);
    const { code, stdout } = await warmstep('doctor');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^maxStorageBufferBindingSize .*too small for the 249M network$/m);
    expect(stdout).toMatch(/^advice: maxStorageBufferBindingSize is 67108864, the 249M network needs 83886080: /m);
    expect(stdout).toContain('Policies can run here.');
    expect(stdout).not.toMatch(/TOO SMALL|problem:/);
  });

  it('ends with 1 where no network fits', async () => {
    withBindingSize(2 ** 20);
    const { code, stdout } = await warmstep('doctor');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^maxStorageBufferBindingSize .*TOO SMALL$/m);
    expect(stdout).toMatch(/^problem: maxStorageBufferBindingSize is 1048576, every policy needs \d+: /m);
    expect(stdout).not.toContain('advice: maxStorageBufferBindingSize');
    expect(stdout).toContain('Policies cannot run here.');
  });
});
