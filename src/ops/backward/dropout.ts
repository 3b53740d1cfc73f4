import { drawMasksKernel } from '../../../kernels/backward/draw-masks.wgsl.js';
import { DROPOUT_WORDS } from '../../../kernels/lib/dropout.wgsl.js';
import { OptionError } from '../../foundation/errors.js';
import type { Binding, BufferHandle, PlanBuilder } from '../../runtime/plan-builder.js';
import { INVOCATIONS } from '../grid.js';

const BITS = 32;

/** A tensor that dropout is applied to, and where its mask lies. */
export interface DropoutSite {
  readonly name: string;
  readonly elements: number;
  /** Of its mask, in words of all masks. */
  readonly firstWord: number;
}

/** The masks of a network: its sites in the order in which they were asked for, which numbers them for the generator. */
export interface DropoutPlan {
  /** What a step draws with: `dropoutWords`. */
  readonly uniform: BufferHandle;
  /** A bit per element. */
  readonly masks: BufferHandle;
  /** vec2u [site]: first word, number of words. */
  readonly table: BufferHandle;
  readonly sites: readonly DropoutSite[];
}

/** Words of a mask. */
export function maskWords(elements: number): number {
  return Math.ceil(elements / BITS);
}

/** Settles where the masks of these sites lie. */
export function planDropout(builder: PlanBuilder, sites: readonly { readonly name: string; readonly elements: number }[]): DropoutPlan {
  let firstWord = 0;
  const placed = sites.map(({ name, elements }) => {
    const site = { name, elements, firstWord };
    firstWord += maskWords(elements);
    return site;
  });
  return {
    uniform: builder.buffer('dropout', DROPOUT_WORDS * 4),
    masks: builder.buffer('dropout masks', firstWord * 4),
    table: builder.buffer('dropout sites', placed.length * 8),
    sites: placed,
  };
}

/** The contents of `table`. */
export function siteTable({ sites }: DropoutPlan): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(sites.flatMap(({ firstWord, elements }) => [firstWord, maskWords(elements)]));
}

/** How a step drops: nothing at all, by masks drawn with a key, or by masks that the host wrote. */
export type DropoutDraw =
  | { readonly probability: 0 }
  | { readonly probability: number; readonly seed: number; readonly step: number }
  | { readonly probability: number; readonly recorded: true };

/** The contents of `uniform`. 0 ≤ probability < 1. */
export function dropoutWords(draw: DropoutDraw): Uint32Array<ArrayBuffer> {
  const { probability } = draw;
  const words = new Uint32Array(DROPOUT_WORDS);
  const [seed, step] = 'seed' in draw ? [draw.seed, draw.step] : [0, 0];
  words.set([seed >>> 0, Math.floor(seed / 2 ** 32), step, Math.round(probability * 2 ** 32), 0, 'recorded' in draw ? 0 : 1]);
  new Float32Array(words.buffer)[4] = 1 / (1 - probability);
  return words;
}

/** Bits of recorded masks (1 where kept), as `masks` holds them. @throws OptionError for a mask of another size, or a missing one. */
export function packMasks({ sites }: DropoutPlan, recorded: ReadonlyMap<string, Uint8Array>): Uint32Array<ArrayBuffer> {
  const last = sites.at(-1);
  const words = new Uint32Array(last ? last.firstWord + maskWords(last.elements) : 0);
  for (const { name, elements, firstWord } of sites) {
    const mask = recorded.get(name);
    if (mask?.length !== elements) {
      throw new OptionError(`dropout mask "${name}": expected ${elements} values, found ${mask ? mask.length : 'none'}`);
    }
    mask.forEach((kept, element) => {
      if (kept !== 0) words[firstWord + (element >> 5)] = (words[firstWord + (element >> 5)] as number) | (1 << (element & 31));
    });
  }
  return words;
}

/** Records the drawing of all masks. */
export function recordDrawMasks(builder: PlanBuilder, { uniform, masks, table, sites }: DropoutPlan): void {
  const most = Math.max(...sites.map(({ elements }) => maskWords(elements)));
  builder.dispatch(
    drawMasksKernel(INVOCATIONS),
    [{ buffer: uniform }, { buffer: table }, { buffer: masks }],
    [Math.ceil(most / INVOCATIONS), sites.length, 1],
  );
}

/** The bindings of a kernel that drops at a site, and the word that its shape takes. */
export function dropoutBindings({ uniform, masks }: DropoutPlan): Binding[] {
  return [{ buffer: uniform }, { buffer: masks }];
}
