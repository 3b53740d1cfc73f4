import type { PolicyInfo } from '../policy/info.js';

/** What f16 storage rounds away: largest error over the largest expected value. */
const ROUNDED_TOLERANCE = 1e-3;
/** And int8 storage, over an episode, about twice the worst case (docs/performance/precision.md): random weights amplify more than trained ones. */
const INT8_EPISODE_TOLERANCE = 0.2;

/** What is allowed by how weights are stored. */
export interface StorageTolerances {
  /** Where nothing is rounded that was not rounded in the file. */
  readonly exact: number;
  /** Where weights of the file are rounded to f16. Default: `ROUNDED_TOLERANCE`. */
  readonly rounded?: number;
  /** Default: `INT8_EPISODE_TOLERANCE`. */
  readonly int8?: number;
}

/** The tolerance for a policy's precision. `kept`: types of stored weights that f16 does not round, or whose rounding nobody sees. */
export function storageTolerance(
  { precision, fileDtypes }: Pick<PolicyInfo, 'precision' | 'fileDtypes'>,
  { exact, rounded = ROUNDED_TOLERANCE, int8 = INT8_EPISODE_TOLERANCE }: StorageTolerances,
  kept: readonly string[] = ['F16'],
): number {
  if (precision === 'int8') return int8;
  return precision === 'f16' && fileDtypes.some((dtype) => !kept.includes(dtype)) ? rounded : exact;
}
