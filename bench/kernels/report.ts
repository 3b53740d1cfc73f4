import { bytes, count, milliseconds } from '../../src/terminal/format.js';
import { facts, table } from '../../src/terminal/table.js';
import { bestStream, type CaseRecord, type PrecisionRecord, type SuiteRecord } from './record.js';

/** Milliseconds that all dispatches of a case take in one decision. */
export function caseMs({ dispatch, perDecision }: CaseRecord): number {
  return dispatch.p50 * perDecision;
}

/** Milliseconds that a case would take in one decision if moving its bytes were all there is. */
export function floorMs(found: CaseRecord, gigabytesPerSecond: number): number {
  return (found.bytes * found.perDecision) / gigabytesPerSecond / 1e6;
}

/** The whole record for people. */
export function report(record: SuiteRecord): string {
  const { environment } = record;
  const commit = environment.commit?.replace(/^(.{12})[^-]*/, '$1');
  return [
    facts([
      ['adapter', `${record.adapter.description}, class ${record.deviceClass}, profile ${record.profile}`],
      ['machine', `${environment.cpus} × ${environment.cpu}, ${environment.platform}, load ${environment.loadAverage.join(' ')}`],
      [
        'software',
        `node ${environment.node}, webgpu ${environment.webgpu}, warmstep ${environment.warmstep}` +
          (commit === undefined ? '' : ` at ${commit}`),
      ],
      [
        'decision',
        record.picture
          ? `none: image encoder, ResNet-18 with ${record.picture.norm} norm, ${record.batch} × ${record.picture.height}×${record.picture.width}`
          : `synthetic ${record.size}, batch ${record.batch}, horizon ${record.horizon}, ${record.steps} evaluations, with predictor`,
      ],
      ['clock', record.clock === 'gpu' ? 'timestamps around every dispatch of whole decisions' : 'chains of each dispatch, submit to end'],
      ['date', environment.date],
    ]),
    streamTable(record),
    ...(record.overheads.length > 0 ? [overheadTable(record)] : []),
    ...record.precisions.flatMap((found) => [caseTable(found, bestStream(record)), summary(found, record)]),
  ].join('\n\n');
}

function streamTable({ stream }: SuiteRecord): string {
  const best = Math.max(...stream.map(({ gigabytesPerSecond }) => gigabytesPerSecond));
  return table(
    ['stream kernel', 'p50', 'p95', 'GB/s', ''],
    stream.map(({ name, run, gigabytesPerSecond }) => [
      name,
      milliseconds(run.p50),
      milliseconds(run.p95),
      gigabytesPerSecond.toFixed(1),
      gigabytesPerSecond === best ? 'best' : '',
    ]),
  );
}

function overheadTable({ overheads }: SuiteRecord): string {
  return table(
    ['overhead', 'p50', 'p95', 'p99', 'what'],
    overheads.map(({ name, what, each }) => [name, microseconds(each.p50), microseconds(each.p95), microseconds(each.p99), what]),
  );
}

function caseTable({ precision, cases }: PrecisionRecord, gigabytesPerSecond: number): string {
  const total = cases.reduce((sum, found) => sum + caseMs(found), 0);
  const header = [
    `${precision}: layer`,
    'matrix',
    'kernel',
    'times',
    'p50',
    'p95',
    'p99',
    'MB',
    'GB/s',
    '% stream',
    'GFLOP/s',
    '% decision',
  ];
  return table(
    header,
    cases.map((found) => {
      const { layers, dispatch, perDecision } = found;
      // A short dispatch can begin and end within one tick of a device's clock: its rates are not known.
      const rate = (amount: number, digits: number): string => (dispatch.p50 > 0 ? (amount / dispatch.p50 / 1e6).toFixed(digits) : '–');
      return [
        found.id + (layers.length > 1 ? ` +${layers.length - 1}` : ''),
        found.shape,
        found.kernel,
        String(perDecision),
        microseconds(dispatch.p50),
        microseconds(dispatch.p95),
        microseconds(dispatch.p99),
        (found.bytes / 1e6).toFixed(3),
        rate(found.bytes, 2),
        rate((100 * found.bytes) / gigabytesPerSecond, 1),
        found.macs > 0 ? rate(2 * found.macs, 2) : '–',
        ((100 * caseMs(found)) / total).toFixed(1),
      ];
    }),
  );
}

function summary({ precision, cases, decision, dispatches, bytes: moved, macs }: PrecisionRecord, record: SuiteRecord): string {
  const best = bestStream(record);
  const sum = cases.reduce((total, found) => total + caseMs(found), 0);
  const floor = moved / best / 1e6;
  return facts([
    [`${precision}: decision`, `${dispatches} dispatches, ${bytes(moved)}, ${count(Math.round(macs / 1e6))} million multiply-adds`],
    ['floor', `${milliseconds(floor)}: its bytes at the ${best.toFixed(1)} GB/s of the best stream kernel`],
    [
      'sum of its kernels',
      record.filter === ''
        ? `${milliseconds(sum)}, ${(sum / floor).toFixed(1)} × the floor`
        : `${milliseconds(sum)} (only what was measured)`,
    ],
    ...(decision
      ? [
          [
            'as a whole',
            `${milliseconds(decision.p50)} (p95 ${milliseconds(decision.p95)}), ` +
              `${(decision.p50 / floor).toFixed(1)} × the floor, ${record.clock === 'gpu' ? 'a pass per dispatch' : 'without upload and read-back'}`,
          ] as const,
        ]
      : []),
  ]);
}

function microseconds(ms: number): string {
  const value = ms * 1000;
  return `${value.toFixed(value < 10 ? 2 : value < 1000 ? 1 : 0)} µs`;
}
