import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UnetShape } from '../../src/spec/network-shapes.js';
import { randomPolicy } from './random-checkpoint.js';

/** Six joints in, six joints out, a network that compiles quickly. Its actions lie within a degree of the middle. */
export const ARM_UNET: UnetShape = {
  actionDim: 6,
  horizon: 8,
  downDims: [16, 8],
  kernelSize: 3,
  groups: 4,
  stepEmbedDim: 8,
  conditioningDim: 12,
  scaleModulation: true,
};

/** Writes that policy to a folder of its own below `root`, and returns it. `unet`, `stateDim`: of another robot. */
export async function writeArmPolicy(root: string, unet = ARM_UNET, stateDim = 6): Promise<string> {
  const folder = join(root, `policy-${unet.actionDim}`);
  mkdirSync(folder);
  const { source } = randomPolicy(unet, stateDim);
  for (const name of await source.list()) {
    const file = await source.open(name);
    const bytes = new Uint8Array(file.size);
    await file.read(0, bytes);
    writeFileSync(join(folder, name), bytes);
  }
  return folder;
}
