import { bytes as bytesText } from '../../src/terminal/format.js';
import { facts, table } from '../../src/terminal/table.js';
import { assumptionsOf } from './gpus.js';
import type { Binding, DecisionPrediction } from './predict.js';

/** A prediction for people, which says on every page that it is none of a measurement. */
export function predictionReport(decision: string, { gpu, dispatches, count, totalUs, launchUs, floorUs }: DecisionPrediction): string {
  const us = (value: number): string => `${value.toFixed(1)} µs`;
  const assumed = Object.entries(assumptionsOf(gpu)).map(([name, value]) => `${name} ${value}`);
  const bound = (binding: Binding): number =>
    dispatches.reduce((sum, { work, prediction }) => sum + (prediction.binding === binding ? work.perDecision : 0), 0);
  return [
    'PREDICTED from published figures and assumptions, NOT MEASURED',
    facts([
      ['GPU', `${gpu.title}: ${gpu.gigabytesPerSecond} GB/s, ${gpu.teraflops} TFLOP/s, ${gpu.units} units (published)`],
      ['assumed', assumed.join(', ')],
      ['decision', decision],
    ]),
    table(
      ['layer', 'kernel', 'times', 'groups', 'units', 'filled', 'bytes', 'launch', 'latency', 'bytes', 'arithmetic', 'predicted', 'binds'],
      dispatches.map(({ work, prediction }) => [
        work.id,
        work.kernel,
        String(work.perDecision),
        String(work.workgroups),
        String(prediction.busyUnits),
        `${Math.round(100 * prediction.occupancy)} %`,
        bytesText(work.bytes),
        ...[prediction.launchUs, prediction.latencyUs, prediction.bytesUs, prediction.arithmeticUs, prediction.totalUs].map(us),
        prediction.binding,
      ]),
    ),
    facts([
      ['predicted', `${us(totalUs)} on the GPU for ${count} dispatches, one after the other; the host is not in it`],
      ['launches', `${us(launchUs)} of it`],
      ['floor', `${us(floorUs)}: its bytes at the published bandwidth`],
      ['what binds', (['launch', 'latency', 'bytes', 'arithmetic'] as const).map((binding) => `${binding} ${bound(binding)}`).join(', ')],
    ]),
  ].join('\n\n');
}
