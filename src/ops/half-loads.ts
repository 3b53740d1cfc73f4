import { LOAD_WORKGROUP, loadWeightsKernel } from '../../kernels/lib/load-weights.wgsl.js';
import { CHUNK_BYTES, type HalfLoads } from '../../kernels/lib/weight-storage.wgsl.js';
import { f16Table } from '../foundation/half.js';
import type { ComputeDevice } from '../runtime/device.js';
import { PlanBuilder } from '../runtime/plan-builder.js';
import { runOnce } from '../runtime/run-once.js';

const CODES = 0x10000;
const EXPONENT = 0x7c00;

const checked = new WeakMap<ComputeDevice, Map<HalfLoads, Promise<boolean>>>();

/**
 * Whether this device turns halves into f32 as they must be, found out by running it on every finite half, subnormal ones
 * and both zeros among them. Asked once per device. Without the feature `shader-f16` native loads are not tried.
 *
 * WGSL lets a device flush subnormals and says of neither way that it is exact: with this answer `packed` and `native`
 * loads are known to give the same bits.
 */
export function trustsHalfLoads(device: ComputeDevice, loads: HalfLoads): Promise<boolean> {
  let answers = checked.get(device);
  if (!answers) checked.set(device, (answers = new Map()));
  let answer = answers.get(loads);
  if (!answer) answers.set(loads, (answer = checkHalfLoads(device, loads)));
  return answer;
}

/**
 * Makes the device load halves as its table of variants says. Where it does not prove that it can, it stays with `packed`
 * loads, and a warning is returned.
 */
export async function adoptHalfLoads(device: ComputeDevice): Promise<string | undefined> {
  if (device.variants?.halfLoads !== 'native') return undefined;
  if (await trustsHalfLoads(device, 'native')) {
    device.useHalfLoads('native');
    return undefined;
  }
  return (
    `the table of variants (${device.adapter.variants}) asks for native halves, which this device does not turn into f32 exactly: ` +
    'weights are unpacked instead. Run `warmstep tune` again.'
  );
}

async function checkHalfLoads(device: ComputeDevice, loads: HalfLoads): Promise<boolean> {
  if (loads === 'native' && !device.gpuDevice.features.has('shader-f16')) return false;
  const builder = new PlanBuilder(device.deviceClass);
  builder.segment('check');
  const weight = builder.buffer('every half', CODES * 2);
  const bits = builder.buffer('halves as f32', CODES * 4);
  builder.dispatch(
    loadWeightsKernel('f16', loads),
    [{ buffer: weight }, { buffer: bits }],
    [(CODES * 2) / CHUNK_BYTES / LOAD_WORKGROUP, 1, 1],
  );
  const codes = Uint32Array.from({ length: CODES / 2 }, (_, i) => (2 * i) | ((2 * i + 1) << 16));
  const found = new Uint32Array(await runOnce(device, builder, 'check', [[weight, codes]], bits));
  const expected = new Uint32Array(f16Table().buffer);
  // Infinity and NaN are left out: WGSL promises nothing about them, and no weight is either.
  return found.every((word, code) => (code & EXPONENT) === EXPONENT || word === expected[code]);
}
