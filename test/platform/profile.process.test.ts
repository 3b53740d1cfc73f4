import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OptionError } from '../../src/foundation/errors.js';
import { openDevice } from '../../src/platform/node/device.js';
import { chooseProfile, dawnFlags } from '../../src/platform/node/profile.js';
import { type ComputeDevice, PROFILES, type Profile } from '../../src/runtime/device.js';
import { bits, loadGolden, noise, window } from '../support/golden-policy.js';

/** Encodes a range that WebGPU refuses (6 is no multiple of 4) and submits nothing. */
async function isValidating({ gpuDevice }: ComputeDevice): Promise<boolean> {
  const buffer = gpuDevice.createBuffer({ size: 16, usage: 8 });
  gpuDevice.pushErrorScope('validation');
  const encoder = gpuDevice.createCommandEncoder();
  encoder.clearBuffer(buffer, 0, 6);
  encoder.finish();
  const error = await gpuDevice.popErrorScope();
  buffer.destroy();
  return error !== null;
}

describe('the choice of a profile', () => {
  it('is safe unless the environment or an option says otherwise', () => {
    const before = process.env['WARMSTEP_PROFILE'];
    try {
      delete process.env['WARMSTEP_PROFILE'];
      expect(chooseProfile()).toBe('safe');
      process.env['WARMSTEP_PROFILE'] = 'fast';
      expect(chooseProfile()).toBe('fast');
      expect(chooseProfile('safe')).toBe('safe');
      process.env['WARMSTEP_PROFILE'] = 'reckless';
      expect(() => chooseProfile()).toThrow(OptionError);
      expect(() => chooseProfile()).toThrow(/WARMSTEP_PROFILE.*safe, fast, found reckless/);
    } finally {
      if (before === undefined) delete process.env['WARMSTEP_PROFILE'];
      else process.env['WARMSTEP_PROFILE'] = before;
    }
  });

  it('safe leaves Dawn as it is', () => {
    expect(dawnFlags({ profile: 'safe' })).toEqual([]);
    // What is off for software drivers changes how memory is zeroed, not whether.
    expect(dawnFlags({ profile: 'safe', software: true, timing: true })).toEqual([
      'disable-dawn-features=timestamp_quantization,use_vulkan_zero_initialize_workgroup_memory_extension',
    ]);
  });
});

describe('safe and fast devices in one process', () => {
  const devices = new Map<Profile, ComputeDevice>();
  const device = (profile: Profile): ComputeDevice => devices.get(profile) as ComputeDevice;
  beforeAll(async () => {
    for (const profile of PROFILES) devices.set(profile, await openDevice({ profile }));
  });
  afterAll(() => {
    for (const open of devices.values()) open.dispose();
  });

  it('say which they are, in every record that names the adapter', () => {
    for (const profile of PROFILES) expect(device(profile).adapter.profile).toBe(profile);
  });

  it('differ in that Dawn validates commands, so the toggles are known to this version of Dawn', async () => {
    expect(await isValidating(device('safe'))).toBe(true);
    expect(await isValidating(device('fast'))).toBe(false);
  });

  it.each([
    ['state-ddim2', {}],
    ['step-forward-noise', { predictor: true, strategy: { name: 'STEP', budget: 2 } }],
  ] as const)('decide the same, bit by bit: %s', async (name, options) => {
    const decisions: number[][] = [];
    for (const profile of PROFILES) {
      const policy = await loadGolden(device(profile), name, options);
      const results = [];
      // The second decision is warm where there is a predictor.
      for (const salt of [0, 1]) results.push(await policy.decide(window(policy, salt), { noise: noise(policy, salt) }));
      decisions.push(results.flatMap((result) => [...bits(result)]));
      await policy.dispose();
    }
    const [safe, fast] = decisions;
    expect(fast).toEqual(safe);
  });
});
