import type { Environment } from '../../src/platform/node/environment.js';
import { bytes, milliseconds } from '../../src/terminal/format.js';
import { facts, table } from '../../src/terminal/table.js';
import type { ContestRecord } from './contest.js';
import { isEncoder, type PeerNetwork, type Workload, workloadsOf } from './networks.js';

export const PEERS_FORMAT = 'warmstep-bench-peers';

/** Everything that one run found, with what is needed to read it later. */
export interface PeersRecord extends ContestRecord {
  readonly format: typeof PEERS_FORMAT;
  readonly environment: Environment;
  readonly loadAverageAtEnd: readonly number[];
  readonly network: PeerNetwork;
  readonly profile: string;
  readonly weightBytes: number;
}

export function report(record: PeersRecord): string {
  const { environment } = record;
  const missing = record.peers.flatMap((peer) => (peer.available ? [] : [`${peer.name}: not available: ${peer.reason}`]));
  return [
    facts([
      ['network', `${record.network}${isEncoder(record.network) ? '' : ' U-Net'}, ${bytes(record.weightBytes)} of f32 weights`],
      [
        'machine',
        `${environment.cpus} × ${environment.cpu}, load ${environment.loadAverage.join(' ')}, at the end ${record.loadAverageAtEnd.join(' ')}`,
      ],
      ['profile', record.profile],
      ['rounds', `${record.rounds}, each there and back`],
      ['error', `relative to the largest value, against ${record.reference}; at most ${record.tolerance} where weights are not rounded`],
      ['ratio', '"× warmstep f32": how many times as long as warmstep f32 it takes, by medians'],
      ...record.peers.flatMap((peer): [string, string][] =>
        peer.available
          ? [
              [
                peer.name,
                Object.entries(peer.details)
                  .map((entry) => entry.join(' '))
                  .join(', '),
              ],
            ]
          : [],
      ),
    ]),
    ...workloadsOf(record.network).map((workload) => `${workload}\n${workloadTable(record, workload)}`),
    ...(missing.length > 0 ? [missing.join('\n')] : []),
  ].join('\n\n');
}

function workloadTable({ peers, ratios }: PeersRecord, workload: Workload): string {
  const own = Object.keys(ratios);
  const rows = peers.flatMap((peer) => {
    const times = peer.available ? peer.workloads[workload] : undefined;
    if (!peer.available || !times) return [];
    const { count, p50, p95, error } = times;
    return [
      [
        peer.name,
        String(count),
        milliseconds(p50),
        milliseconds(p95),
        `${error.toExponential(1)}${peer.agrees ? '' : ' WRONG'}`,
        ...own.map((name) => ratios[name]?.[workload]?.[peer.name]?.toFixed(2) ?? '–'),
      ],
    ];
  });
  return table(['engine', 'runs', 'p50', 'p95', 'error', ...own.map((name) => `× ${name}`)], rows);
}
