import { OptionError } from '../foundation/errors.js';

/**
 * When two successive chunks count as a standstill (STEP, arXiv 2602.08245, eq. 14). The paper names neither norm nor
 * rows nor space; `rms` of the `executed` rows in `normalized` space with eps 0.01 does not depend on the chunk's size.
 */
export interface StallRule {
  readonly norm: 'rms' | 'l2' | 'linf';
  readonly rows: 'executed' | 'all';
  /** Which chunks the caller passes: normalised ones, or actions in their own units. */
  readonly space: 'normalized' | 'raw';
  /** A stall is a distance strictly below this, in the units of `space`. */
  readonly eps: number;
}

export interface ChunkLayout {
  readonly actionDim: number;
  /** The executed rows: `rows` of them from `firstRow` on. */
  readonly firstRow: number;
  readonly rows: number;
}

/**
 * Distance of two chunks [horizon, actionDim], row by row: row j of the newer one against row j of the older one, which
 * are different moments in time, so it is small only where the robot stands still. NaN if a compared entry is NaN.
 * Throws OptionError when the chunks differ in size or the executed rows lie outside them.
 */
export function chunkDistance(
  rule: Pick<StallRule, 'norm' | 'rows'>,
  newer: Float32Array,
  older: Float32Array,
  layout: ChunkLayout,
): number {
  const { actionDim, firstRow, rows } = layout;
  const [begin, end] = rule.rows === 'all' ? [0, newer.length] : [firstRow * actionDim, (firstRow + rows) * actionDim];
  if (newer.length !== older.length || begin < 0 || end > newer.length || end <= begin) {
    throw new OptionError(
      `a stall test needs two chunks of one size that contain rows ${firstRow} to ${firstRow + rows - 1} of ` +
        `${actionDim} numbers, found ${newer.length} and ${older.length} numbers: pass whole chunks of one policy`,
    );
  }
  let sum = 0;
  let largest = 0;
  for (let i = begin; i < end; i++) {
    const difference = (newer[i] ?? NaN) - (older[i] ?? NaN);
    sum += difference * difference;
    largest = Math.max(largest, Math.abs(difference));
  }
  switch (rule.norm) {
    case 'rms':
      return Math.sqrt(sum / (end - begin));
    case 'l2':
      return Math.sqrt(sum);
    case 'linf':
      return largest;
    default:
      throw unknownNorm(rule.norm);
  }
}

/** Whether the policy stands still between two decisions; never true for chunks with NaN. */
export function isStalled(rule: StallRule, newer: Float32Array, older: Float32Array, layout: ChunkLayout): boolean {
  return chunkDistance(rule, newer, older, layout) < rule.eps;
}

function unknownNorm(norm: never): OptionError {
  return new OptionError(`norm of a stall rule must be rms, l2 or linf, found ${String(norm)}: choose one of these`);
}
