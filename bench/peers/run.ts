import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeEnvironment, packageInfo } from '../../src/platform/node/environment.js';
import { UsageError } from '../../src/terminal/options.js';
import { printNote } from '../../src/terminal/output.js';
import { Progress } from '../../src/terminal/progress.js';
import { type ContestRecord, runContest } from './contest.js';
import type { EngineSpec } from './engine.js';
import { GRAPHS_VARIABLE, type Graph, writeGraph } from './graph.js';
import { installPeers } from './install.js';
import { createPicture, isEncoder, type PeerNetwork, weightBytes, workloadsOf } from './networks.js';
import type { PeersOptions } from './options.js';
import { PEERS_FORMAT, type PeersRecord } from './report.js';
import { createWork } from './work.js';

/** Measures what the options name, and writes the files that they ask for. */
export async function runPeers(options: PeersOptions, signal: AbortSignal): Promise<PeersRecord> {
  if (options.folder !== undefined) return runIn(options.folder, options, signal);
  const temporary = await mkdtemp(join(tmpdir(), 'warmstep-peers-'));
  try {
    return await runIn(temporary, options, signal);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function runIn(folder: string, options: PeersOptions, signal: AbortSignal): Promise<PeersRecord> {
  const { network, rounds, seconds, profile, output } = options;
  const workloads = workloadsOf(network);
  const progress = new Progress();
  const graph = await prepare(folder, options, progress);
  // Before the measurement, whose own work would be in the load average afterwards.
  const environment = describeEnvironment();
  const onProgress = (text: string): void => progress.update(text);
  const contest = await runContest(specsOf(options, graph), { workloads, rounds, seconds, signal, onProgress }).finally(() =>
    progress.done(),
  );
  const record: PeersRecord = {
    format: PEERS_FORMAT,
    environment,
    loadAverageAtEnd: loadavg().map((value) => Math.round(value * 100) / 100),
    network,
    profile,
    weightBytes: weightBytes(network),
    ...contest,
  };
  if (output !== undefined) await writeFile(output, `${JSON.stringify(record)}\n`);
  if (options.folder !== undefined) await writeFile(join(folder, 'work.json'), `${workJson(network, contest)}\n`);
  return record;
}

/** Graph and weights where something reads them, and ONNX Runtime where it is wanted. */
async function prepare(folder: string, options: PeersOptions, progress: Progress): Promise<Graph | undefined> {
  const others = options.only.some((peer) => peer !== 'warmstep');
  if (!others && options.folder === undefined) return undefined;
  if (options.graphs === undefined) throw new UsageError(`option --graphs is missing, and ${GRAPHS_VARIABLE} is not set`);
  progress.phase('writing weights');
  const graph = await writeGraph(options.graphs, options.network, folder);
  if (others) {
    try {
      installPeers(packageInfo().root);
    } catch (error) {
      // Not the end: the record will say of each of its engines that it is not there.
      printNote(error instanceof Error ? error.message : String(error));
    }
  }
  return graph;
}

function specsOf({ network, only, precisions, adapter, profile, threads }: PeersOptions, graph: Graph | undefined): EngineSpec[] {
  return only.flatMap((peer): EngineSpec[] => {
    switch (peer) {
      case 'cpu':
      case 'webgpu':
        return graph ? [{ engine: 'onnxruntime', provider: peer, network, model: graph.model, threads, adapter }] : [];
      case 'warmstep':
        return precisions.map((precision) => ({ engine: 'warmstep', network, precision, adapter, profile }));
      default:
        return peer satisfies never;
    }
  });
}

/** Inputs, coefficients and results, for an engine that is not run from here. */
function workJson(network: PeerNetwork, { reference, outputs }: ContestRecord): string {
  const expected = { engine: reference, outputs };
  if (isEncoder(network)) return JSON.stringify({ network, picture: [...createPicture(network)], expected });
  const { sample, conditioning, schedules } = createWork(network);
  return JSON.stringify({ network, sample: [...sample], conditioning: [...conditioning], schedules, expected });
}
