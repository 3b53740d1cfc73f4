import type { ResidualBlockShape } from '../../networks/unet/residual-block.js';
import { residualBlockShapes } from '../../networks/unet/unet.js';
import type { DropoutPlan, DropoutSite } from '../../ops/backward/dropout.js';
import type { UnetShape } from '../../spec/network-shapes.js';

/** Blocks that drop: all, or those of the middle alone. */
export type DroppingBlocks = 'all' | 'middle';

/** Dropout of one pass through a U-Net; a network that is run several times in a step draws masks for each. */
export interface UnetDropout {
  readonly plan: DropoutPlan;
  /** What the names of its sites begin with. */
  readonly pass: string;
}

/** The sites of a residual block: what its first Mish makes, before FiLM, and the block's sum. */
export interface BlockDropout {
  readonly plan: DropoutPlan;
  readonly activated: DropoutSite;
  readonly sum: DropoutSite;
}

/** Where a pass drops, in the order in which PyTorch draws (ConditionalResidualBlock1D of Consistency Policy's release). */
export function unetDropoutSites(
  shape: UnetShape,
  batch: number,
  pass: string,
  blocks: DroppingBlocks,
): { readonly name: string; readonly elements: number }[] {
  const dropping = residualBlockShapes(shape).filter(({ name }) => blocks === 'all' || name.startsWith('mid_modules.'));
  return dropping.flatMap((block) => {
    const elements = batch * lengthOf(shape, block) * block.outChannels;
    return siteNames(pass, block.name).map((name) => ({ name, elements }));
  });
}

/** The sites of a block; undefined for one that does not drop. */
export function blockDropout(dropout: UnetDropout | undefined, block: string): BlockDropout | undefined {
  if (!dropout) return undefined;
  const { plan, pass } = dropout;
  const [activated, sum] = siteNames(pass, block).map((name) => plan.sites.find((site) => site.name === name));
  return activated && sum && { plan, activated, sum };
}

function siteNames(pass: string, block: string): [string, string] {
  return [`${pass}.${block}.after_activation`, `${pass}.${block}.after_residual`];
}

/** Places of what a block works on: the chunk, halved from level to level. */
function lengthOf({ horizon, downDims }: UnetShape, { name }: ResidualBlockShape): number {
  const last = downDims.length - 1;
  const [, part, index] = /^(down|mid|up)_modules\.(\d+)/.exec(name) as unknown as [string, string, string];
  const level = part === 'down' ? Number(index) : part === 'mid' ? last : last - Number(index);
  return horizon / 2 ** level;
}
