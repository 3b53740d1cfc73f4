import type { ArmState } from '../../robots/so-follower.js';
import type { ArmUnits } from '../../robots/units.js';
import { count, milliseconds, plural } from '../../terminal/format.js';
import { table } from '../../terminal/table.js';
import { summarizeLatencies } from '../latency.js';
import type { SessionResult } from './session.js';
import type { TrainedRanges } from './trained-ranges.js';

const decimals = (value: number): string => value.toFixed(1);

/** What the arm says, and what the policy was trained with, side by side: another unit or another arm shows here. */
export function armTable({ servos }: ArmState, units: ArmUnits, ranges: TrainedRanges | undefined): string {
  const rows = servos.map(({ joint, id, steps, position, voltage, temperature, hasTorque }, i) => {
    const trained = ranges?.joints[i];
    return [
      joint,
      String(id),
      String(steps),
      decimals(position),
      trained ? `${decimals(trained.low)} … ${decimals(trained.high)}` : 'not known',
      `${decimals(voltage)} V`,
      `${temperature} °C`,
      hasTorque ? 'on' : 'off',
    ];
  });
  const unit = units === 'degrees' ? 'degrees' : 'of ±100';
  return table(['joint', 'servo', 'steps', unit, `policy's actions${ranges ? ` (${ranges.from})` : ''}`, 'supply', 'heat', 'torque'], rows);
}

/** Joints that stand where the policy was never trained. */
export function farJoints({ servos }: ArmState, ranges: TrainedRanges | undefined): string[] {
  return servos.flatMap(({ joint, position }, i) => {
    const trained = ranges?.joints[i];
    if (!trained) return [];
    const slack = Math.max(5, (trained.high - trained.low) / 2);
    if (position >= trained.low - slack && position <= trained.high + slack) return [];
    return [`${joint} is at ${decimals(position)}, the policy's actions go from ${decimals(trained.low)} to ${decimals(trained.high)}`];
  });
}

/** What was sent, or in a dry run would have been. */
export function sessionTable({ servos }: ArmState, { goals, first, steps }: SessionResult, maxRelativeTarget: number): string {
  const rows = servos.map(({ joint, position }, i) => {
    const goal = goals[i] as { readonly low: number; readonly high: number };
    const begins = first?.[i];
    const jump = begins === undefined ? 0 : Math.abs(begins - position);
    return [
      joint,
      decimals(position),
      begins === undefined ? 'none' : decimals(begins),
      begins === undefined ? 'none' : `${decimals(goal.low)} … ${decimals(goal.high)}`,
      decimals(steps[i] as number),
      jump > maxRelativeTarget ? `at first, to ${decimals(maxRelativeTarget)} of ${decimals(jump)}` : 'no',
    ];
  });
  return table(['joint', 'at the beginning', 'first goal', 'goals', 'largest step', 'brought nearer'], rows);
}

/** The same in a line. */
export function sessionLine({ latencies, actions, lateTicks, failures, end }: SessionResult, moves: boolean): string {
  const latency = summarizeLatencies(latencies);
  const timing = latency ? `, p50 ${milliseconds(latency.p50)}, p99 ${milliseconds(latency.p99)}` : '';
  // Of an arm that was moved, more is to be said than fits in a line.
  const unknown = moves ? '' : 'Whether the torque is on is not known: the arm did not say.';
  const torque = { off: 'The torque is off.', on: 'The torque is on: the arm holds its pose.', unknown }[end.torque];
  const failed = `${count(failures)} failed ${failures === 1 ? 'reading or goal' : 'readings or goals'}`;
  return `${plural(latencies.length, 'decision')}${timing}; ${plural(actions, 'action')} ${moves ? 'sent' : 'that would have been sent'}, ${plural(lateTicks, 'late tick')}, ${failed}. ${torque}`.trimEnd();
}
