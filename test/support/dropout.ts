import { DROPOUT_STREAM } from '../../kernels/backward/draw-masks.wgsl.js';
import { philox4x32 } from '../../src/diffusion/philox.js';
import { type DropoutPlan, packMasks, planDropout } from '../../src/ops/backward/dropout.js';
import type { OpRecorder } from './run-op.js';
import { Normals } from './values.js';

/** Masks that keep 1 − probability of their elements, the same in every run. */
export function recordedMasks(
  sites: readonly { readonly name: string; readonly elements: number }[],
  probability: number,
): Map<string, Uint8Array> {
  const normals = new Normals(77);
  return new Map(
    sites.map(({ name, elements }) => [name, Uint8Array.from({ length: elements }, () => (normals.uniform() < probability ? 0 : 1))]),
  );
}

/** A dropout plan whose buffers hold recorded masks. */
export function withMasks(op: OpRecorder, masks: ReadonlyMap<string, Uint8Array>, probability: number): DropoutPlan {
  const plan = planDropout(
    op.builder,
    [...masks].map(([name, { length }]) => ({ name, elements: length })),
  );
  const uniform = new Float32Array(8);
  uniform[4] = 1 / (1 - probability);
  return { ...plan, uniform: op.buffer('dropout', uniform), masks: op.buffer('masks', packMasks(plan, masks)) };
}

/** What the generator keeps of element `element` of site number `site`. */
export function isKept(
  { probability, seed, step }: { readonly probability: number; readonly seed: number; readonly step: number },
  site: number,
  element: number,
): boolean {
  const words = philox4x32([element >> 2, site, step, DROPOUT_STREAM], [seed >>> 0, Math.floor(seed / 2 ** 32)]);
  return (words[element & 3] as number) >= Math.round(probability * 2 ** 32);
}
