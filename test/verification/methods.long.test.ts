import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import type { DeviceClass } from '../../src/runtime/device-class.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';
import { GOLDENS } from '../support/golden-cases.js';
import { replace, useMutantDevice } from '../support/mutants.js';

const FOLDER = join(GOLDENS, 'methods', 'no-diffusion');

const CASES = ['cp-1step', 'cp-3step', 'cp-3step-raw', 'onedp-s', 'onedp-d', 'no-diffusion'];

describe.each(['f32', 'f16', 'int8'] as const)('cases of methods with networks of their own, %s storage', (precision) => {
  const device = useTestDevice();

  it.each(CASES)('%s agrees in every tensor', async (name) => {
    const report = await verifyCase(await caseFolder(join(GOLDENS, 'methods', name)), device(), precision);
    expect(report.tensors.filter((tensor) => !tensor.pass)).toEqual([]);
    expect(report.tensors.length).toBeGreaterThan(30);
  });
});

describe.each<DeviceClass>(['gpu', 'lavapipe', 'software'])('cases of methods with the variants of a class: %s', (deviceClass) => {
  const device = useTestDevice({ deviceClass });

  it.each(['cp-3step', 'no-diffusion'])('%s agrees in every tensor', async (name) => {
    const report = await verifyCase(await caseFolder(join(GOLDENS, 'methods', name)), device(), 'f32');
    expect(report.tensors.filter((tensor) => !tensor.pass)).toEqual([]);
  });
});

describe('verification notices a broken start of heads', () => {
  const { device, mutated } = useMutantDevice('software');
  const passes = async (): Promise<boolean> => (await verifyCase(await caseFolder(FOLDER), device(), 'f32')).pass;

  it.each([
    ['no mean', replace('mean[index] +', '')],
    ['deviations of negative values alone', replace('select(raw, 0.0f, raw < 0.0f)', '0.0f')],
    ['the deviation before softplus', replace('= scale;', '= raw;')],
    ['another noise', replace('noise[index]', 'noise[id.x]')],
  ])('%s', async (_, mutate) => {
    const { result, mutants } = await mutated({ kernel: /^draw_start/, mutate }, passes);
    expect(mutants, 'texts that changed').toBeGreaterThan(0);
    expect(result, 'verification passes').toBe(false);
  });
});
