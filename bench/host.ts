#!/usr/bin/env node
/** What the host adds to a decision: `npm run bench:host`, or `node dist/bench/host.js --help`. */
import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { adapterName } from '../src/cli/load.js';
import { outputFileOption } from '../src/cli/output-options.js';
import { describeEnvironment } from '../src/platform/node/environment.js';
import { PRECISION_CHOICES } from '../src/policy/precision.js';
import { SYNTHETIC_SIZES } from '../src/synthetic/checkpoint.js';
import { parseCommandLine } from '../src/terminal/command-line.js';
import { atMost, choiceOption, given, integerOption, profileOption } from '../src/terminal/options.js';
import { print, printJson } from '../src/terminal/output.js';
import { runScript } from '../tools/script.js';
import { measureControl } from './host/control.js';
import { BUDGET, closeEngine, type Engine, openEngine } from './host/engine.js';
import { type First, measureFirst } from './host/first.js';
import { Floor } from './host/floor.js';
import { measureGarbage } from './host/garbage.js';
import { measureInTurns } from './host/latency.js';
import { type EngineRecord, type HostRecord, latencyRows, report } from './host/report.js';
import { engineSplitSubject, floorSplitSubject, measureSplits, type SplitsByPace } from './host/split.js';
import { engineSubject, floorAhead, floorWithin } from './host/subjects.js';

const USAGE = `usage: node dist/bench/host.js [options]

Measures what the host adds to a decision of two steps with predictor, beside what plain Dawn takes for a write, a submit of
as many dispatches and a read-back, in turns; then where the time goes, garbage, first decisions, and a control loop at 50 Hz.
On a device that computes nothing, all of a decision is the host's.

  --size SIZE        large, small or tiny (default): the dispatches are as many
  --precision P      f32 (default), f16, int8, auto
  --seconds S        of the measurement in turns (default 20), and of each control loop
  --decisions N      for the garbage (default 10000)
  --against FOLDER   another build (a dist folder), in turns with this one
  --adapter NAME     auto, hardware, swiftshader, lavapipe, or part of an adapter's name
  --profile P        safe, or fast (default)
  --output FILE      write the record as JSON
  --json             print the record as JSON`;

const OPTIONS = {
  size: { type: 'string' },
  precision: { type: 'string' },
  seconds: { type: 'string' },
  decisions: { type: 'string' },
  against: { type: 'string' },
  adapter: { type: 'string' },
  profile: { type: 'string' },
  output: { type: 'string' },
  json: { type: 'boolean' },
} as const;

const HERE = new URL('../', import.meta.url);

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseCommandLine(args, OPTIONS);
  atMost(positionals, 0);
  const size = choiceOption('size', values.size, SYNTHETIC_SIZES) ?? 'tiny';
  const precision = choiceOption('precision', values.precision, PRECISION_CHOICES) ?? 'f32';
  const seconds = integerOption('seconds', values.seconds, 1) ?? 20;
  const decisions = integerOption('decisions', values.decisions, 1) ?? 10_000;
  const device = given({ adapter: values.adapter, profile: profileOption(values.profile) ?? 'fast' });
  await outputFileOption('output', values.output);
  const roots = [
    { name: 'this build', root: HERE },
    ...(values.against === undefined ? [] : [{ name: values.against, root: pathToFileURL(`${values.against}/`) }]),
  ];
  const engines: Engine[] = [];
  try {
    const first: (readonly First[])[] = [];
    for (const { name, root } of roots) {
      const engine = await openEngine({ name, root, size, precision, device });
      engines.push(engine);
      first.push(await measureFirst(engine));
    }
    const record = await measure(engines as [Engine, ...Engine[]], first, { seconds, decisions });
    if (values.output !== undefined) await writeFile(values.output, `${JSON.stringify(record, null, 2)}\n`);
    if (values.json) printJson(record);
    else print(report(record));
    return 0;
  } finally {
    for (const engine of engines) await closeEngine(engine);
  }
}

async function measure(
  engines: readonly [Engine, ...Engine[]],
  first: readonly (readonly First[])[],
  { seconds, decisions }: { readonly seconds: number; readonly decisions: number },
): Promise<HostRecord> {
  const [{ device, policy }] = engines;
  // Before the measurement, whose own work would be in the load average afterwards.
  const { cpu, cpus, platform, loadAverage, node, webgpu, date } = describeEnvironment();
  const { dispatches = 0 } = policy.info;
  const floor = new Floor(device.gpuDevice, dispatches);
  const ahead = floorAhead(floor, device.gpuDevice);
  const samples = await measureInTurns([ahead, floorWithin(floor, device.gpuDevice), ...engines.map(engineSubject)], seconds);
  const followed = [floorSplitSubject(ahead), ...(await Promise.all(engines.map(engineSplitSubject)))];
  const [floorSplit, ...splits] = await measureSplits(followed);
  const records: EngineRecord[] = [];
  for (const [index, engine] of engines.entries()) {
    records.push({
      name: engine.name,
      loadMs: engine.loadMs,
      first: first[index] ?? [],
      split: splits[index] as SplitsByPace,
      garbage: await measureGarbage(engine, decisions),
    });
  }
  return {
    adapter: adapterName(device),
    machine: `${cpus} × ${cpu}, ${platform}, load ${loadAverage.join(' ')}, node ${node}, webgpu ${webgpu}`,
    date,
    decision: `${BUDGET} evaluations, ${dispatches} dispatches`,
    latency: latencyRows(samples),
    floorSplit: floorSplit as SplitsByPace,
    engines: records,
    control: await measureControl(engines, seconds),
  };
}

await runScript('node dist/bench/host.js', USAGE, main);
