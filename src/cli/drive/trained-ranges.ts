import { JOINTS } from '../../robots/calibration.js';
import type { ArmUnits } from '../../robots/units.js';
import type { Unnormalizer } from '../../spec/policy-spec.js';
import { UsageError } from '../../terminal/options.js';

/** Between which joint values a policy was trained. */
export interface TrainedRanges {
  /** How they follow from the statistics. */
  readonly from: string;
  readonly joints: readonly { readonly low: number; readonly high: number }[];
}

/** Rounding of statistics, and a servo a little past its end. */
const SLACK = 1;

/** The range of each joint's actions by the policy's statistics; undefined where it has none. */
export function trainedRanges({ mode, multiply, shift }: Unnormalizer): TrainedRanges | undefined {
  if (mode === 'identity') return undefined;
  const isMeanStd = mode === 'mean-std';
  const joints = JOINTS.map((_, i) => {
    const [scale, from] = [multiply[i] as number, shift[i] as number];
    return isMeanStd ? { low: from - 2 * scale, high: from + 2 * scale } : { low: from, high: from + scale };
  });
  return { from: isMeanStd ? 'mean ± 2 deviations' : mode, joints };
}

/** A policy whose body joints were trained beyond ±100 was not trained in ranges. @throws UsageError. */
export function checkUnits(units: ArmUnits, ranges: TrainedRanges | undefined): void {
  if (units === 'degrees' || !ranges || ranges.from === 'mean ± 2 deviations') return;
  const body = ranges.joints.slice(0, -1);
  const beyond = body.findIndex(({ low, high }) => low < -100 - SLACK || high > 100 + SLACK);
  if (beyond < 0) return;
  const { low, high } = body[beyond] as { readonly low: number; readonly high: number };
  throw new UsageError(
    `--units range: the policy's actions of ${JOINTS[beyond]} go from ${low.toFixed(1)} to ${high.toFixed(1)}, beyond ±100: they are degrees`,
  );
}
