import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { caseFolder } from '../../src/platform/node/case-folder.js';
import type { DeviceClass } from '../../src/runtime/device-class.js';
import type { Precision } from '../../src/spec/precision.js';
import { verifyCase } from '../../src/verification/verify-case.js';
import { useTestDevice } from '../support/device.js';
import { CASES, GOLDENS, LARGE_CASES } from '../support/golden-cases.js';

/** Cases that together use every kind of layer: software drivers take long to compile the variants for GPUs, so these get one. */
const OTHERS: readonly (readonly [DeviceClass, readonly (readonly [string, Precision])[]])[] = [
  ['gpu', [['state-bias-film', 'f32']]],
  [
    'lavapipe',
    [
      ['state-ddim2', 'f32'],
      ['state-dialect-a', 'f16'],
      ['step-forward-noise', 'int8'],
    ],
  ],
  [
    'software',
    [
      ['state-ddim2', 'f32'],
      ['state-dialect-a', 'f16'],
      ['step-forward-noise', 'int8'],
    ],
  ],
];
const own = process.env['WARMSTEP_ADAPTER'] === 'lavapipe' ? 'lavapipe' : 'software';

describe.each(OTHERS.filter(([deviceClass]) => deviceClass !== own))(
  'golden cases with the variants of another class: %s',
  (deviceClass, others) => {
    const device = useTestDevice({ deviceClass });

    it.each(others)('%s agrees in every tensor, %s', async (name, precision) => {
      const report = await verifyCase(await caseFolder(join(GOLDENS, name)), device(), precision);
      expect(report.tensors.filter((tensor) => !tensor.pass)).toEqual([]);
      expect(report.tensors.length).toBeGreaterThan(5);
    });
  },
);

describe.each([
  { precision: 'f32', names: LARGE_CASES },
  { precision: 'f16', names: [...new Set([...CASES, ...LARGE_CASES, 'methods/bridger-cvae'])] },
  { precision: 'int8', names: CASES },
] as const)('golden cases with $precision storage', ({ precision, names }) => {
  const device = useTestDevice();

  it.each(names)('%s agrees in every tensor', async (name) => {
    const report = await verifyCase(await caseFolder(join(GOLDENS, name)), device(), precision);
    expect(report.tensors.filter((tensor) => !tensor.pass)).toEqual([]);
    expect(report.tensors.length).toBeGreaterThan(5);
  });
});
