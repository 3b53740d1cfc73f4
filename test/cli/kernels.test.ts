import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Kernel } from '../../kernels/lib/kernel.js';
import { ComputeDevice, type OpenDeviceOptions } from '../../src/runtime/device.js';
import { warmstep, warmstepJson } from '../support/captured.js';

describe('warmstep kernels', () => {
  /**
   * A device for all commands, which compiles for the first of them; later ones are told what it compiled. Kernels are compiled in seconds, and a
   * command that listens to what is compiled cannot have the devices of other tests.
   */
  let device: ComputeDevice | undefined;
  const compiled: Kernel[] = [];
  let listener: NonNullable<OpenDeviceOptions['transformShader']>;
  beforeAll(() => {
    const open = ComputeDevice.open.bind(ComputeDevice);
    vi.spyOn(ComputeDevice, 'open').mockImplementation(async (options = {}) => {
      const { transformShader } = options;
      if (!transformShader) throw new Error('expected a command that listens to what is compiled');
      listener = transformShader;
      for (const kernel of compiled) listener(kernel);
      device ??= await open({
        ...options,
        transformShader: (kernel) => {
          compiled.push(kernel);
          return listener(kernel);
        },
      });
      vi.spyOn(device, 'dispose').mockImplementation(() => {});
      return device;
    });
  });
  afterAll(() => {
    vi.restoreAllMocks();
    device?.dispose();
  });

  it('lists what the bundled policy runs', async () => {
    const { code, stdout } = await warmstep('kernels');
    expect(code).toBe(0);
    for (const name of ['conv1d', 'attention', 'group_norm', 'layer_norm', 'solver_step', 'normalize']) expect(stdout).toContain(name);
  });

  it('prints the text that runs', async () => {
    const { code, stdout } = await warmstep('kernels', '--print', 'layer_norm');
    expect(code).toBe(0);
    expect(stdout).toContain('// layer_norm');
    expect(stdout).toMatch(/@compute @workgroup_size\(.*\)\s+fn main/);
    expect(stdout).not.toContain('conv1d');
  });

  it('gives both as JSON', async () => {
    interface Listing {
      readonly kernels: { label: string; lines: number; bindings: { name: string; access: string }[]; code?: string }[];
    }
    const { kernels } = await warmstepJson<Listing>('kernels', 'layer_norm');
    expect(kernels.length).toBeGreaterThan(0);
    for (const { label, lines, bindings, code } of kernels) {
      expect(label).toContain('layer_norm');
      expect(lines).toBeGreaterThan(10);
      expect(bindings.map(({ name, access }) => `${name} ${access}`)).toContain('shape uniform');
      expect(code).toBeUndefined();
    }
    const printed = await warmstepJson<Listing>('kernels', '--print', 'layer_norm');
    expect(printed.kernels.map(({ label }) => label)).toEqual(kernels.map(({ label }) => label));
    for (const { code, lines } of printed.kernels) expect(code?.split('\n')).toHaveLength(lines);
  });
});
