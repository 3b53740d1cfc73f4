#!/usr/bin/env node
/** Everything that there is to measure on a machine with a GPU, in one command: `node dist/bench/gpu.js --help`. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeEnvironment, packageInfo } from '../src/platform/node/environment.js';
import { PRECISIONS } from '../src/spec/precision.js';
import { SYNTHETIC_SIZES } from '../src/synthetic/checkpoint.js';
import { parseCommandLine } from '../src/terminal/command-line.js';
import { atMost, choiceListOption, choiceOption, positiveOption } from '../src/terminal/options.js';
import { print } from '../src/terminal/output.js';
import { table } from '../src/terminal/table.js';
import { runScript } from '../tools/script.js';
import { compareDumps, type Difference } from './gpu/profile-difference.js';
import { type Outcome, runStep } from './gpu/run-step.js';
import { campaignSteps, dumpFolder, PARTS, type Step } from './gpu/steps.js';

const USAGE = `usage: node dist/bench/gpu.js [options]

Checks and measures everything on one adapter, each step in a process of its own with a limit of time. A step that fails
is recorded, and the others go on. The exit code is 1 when one failed; what cannot run here is skipped, with the reason.

  --adapter NAME   default hardware; or swiftshader, lavapipe, part of an adapter's name
  --minutes N      of everything together (default 9)
  --parts P,P      some of ${PARTS.join(', ')} (default: all, in this order)
  --output DIR     folder of the results (default bench/results)
  --size SIZE      large (default), small or tiny
  --seconds S      per case of the suite (default 0.2)
  --graphs DIR     graphs of the other engines, see bench/peers/README.md (default: the variable WARMSTEP_PEERS)`;

/** Below this a step is not worth starting. */
const LEAST_SECONDS = 5;

interface StepRecord extends Omit<Outcome, 'status'> {
  readonly name: string;
  readonly status: Outcome['status'] | 'skipped';
  readonly command: string;
}

function options(args: string[]) {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseCommandLine(args, {
    adapter: text,
    minutes: text,
    parts: text,
    output: text,
    size: text,
    seconds: text,
    graphs: text,
  });
  atMost(positionals, 0);
  const { root } = packageInfo();
  return {
    root,
    adapter: values.adapter ?? 'hardware',
    minutes: positiveOption('minutes', values.minutes) ?? 9,
    parts: choiceListOption('parts', values.parts, PARTS) ?? PARTS,
    output: values.output ?? join(root, 'bench/results'),
    size: choiceOption('size', values.size, SYNTHETIC_SIZES) ?? 'large',
    seconds: positiveOption('seconds', values.seconds) ?? 0.2,
    graphs: values.graphs ?? process.env['WARMSTEP_PEERS'],
  };
}

async function main(args: string[]): Promise<number> {
  const { parts, minutes, output, ...chosen } = options(args);
  const environment = describeEnvironment();
  const end = performance.now() + minutes * 60_000;
  const program = join(chosen.root, 'dist/src/cli/main.js');
  mkdirSync(output, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'warmstep-gpu-'));
  try {
    const diagnosis = await diagnose(program, chosen.adapter, scratch);
    const prefix = join(output, `${environment.date.slice(0, 10)}-${slug(diagnosis.adapter.description)}`);
    print(`${diagnosis.adapter.description}: results go to ${prefix}-*`);
    const steps = campaignSteps({ ...chosen, scratch, prefix, commands: commandNames(program) }).filter(({ part }) => parts.includes(part));
    const records: StepRecord[] = [];
    for (const step of steps) {
      const record = await run(step, prefix, scratch, (end - performance.now()) / 1000);
      records.push(record);
      print(
        `${record.status.padEnd(11)} ${step.name.padEnd(18)} ${record.seconds.toFixed(1).padStart(6)} s  ${record.status === 'skipped' ? record.said : ''}`.trimEnd(),
      );
    }
    const profileDifferences = await differences(scratch);
    const summary = {
      format: 'warmstep-gpu-campaign',
      environment,
      adapter: diagnosis.adapter,
      minutes,
      steps: records,
      profileDifferences,
    };
    writeFileSync(`${prefix}-campaign.json`, `${JSON.stringify(summary, null, 2)}\n`);
    if (Object.keys(profileDifferences).length > 0) {
      print(
        `\n${table(
          ['safe against fast', 'tensors', 'with other bits', 'largest difference / max'],
          Object.entries(profileDifferences).map(([precision, found]) => [
            precision,
            String(found.tensors),
            String(found.different),
            found.largest.toExponential(1),
          ]),
        )}`,
      );
    }
    return records.some(({ status }) => status === 'failed' || status === 'out of time') ? 1 : 0;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function run(step: Step, prefix: string, scratch: string, secondsLeft: number): Promise<StepRecord> {
  const { name, command, args, missing } = step;
  const skipped = missing ?? (secondsLeft < LEAST_SECONDS ? 'no time is left: run it alone with --parts' : undefined);
  const line = [command, ...args].join(' ');
  if (skipped !== undefined) return { name, status: 'skipped', seconds: 0, ended: '', said: skipped, command: line };
  const files = { stdout: `${prefix}-${name}.${step.stdout}`, stderr: join(scratch, `${name}.err`) };
  return { name, command: line, ...(await runStep(command, args, files, Math.min(step.limitSeconds, secondsLeft))) };
}

/** What the adapter is called; without one there is nothing to measure. */
async function diagnose(
  program: string,
  adapter: string,
  scratch: string,
): Promise<{ readonly adapter: { readonly description: string } }> {
  const files = { stdout: join(scratch, 'doctor.json'), stderr: join(scratch, 'doctor.err') };
  const outcome = await runStep(process.execPath, [program, 'doctor', '--json', '--adapter', adapter], files, 60);
  const text = readFileSync(files.stdout, 'utf8');
  const found = text === '' ? undefined : (JSON.parse(text) as { adapter?: { description: string }; problems?: string[] });
  if (!found?.adapter) throw new Error(`no adapter to measure: ${found?.problems?.join(' ') ?? outcome.said}`);
  return { adapter: found.adapter };
}

function commandNames(program: string): Set<string> {
  const overview = execFileSync(process.execPath, [program, 'help'], { encoding: 'utf8' });
  return new Set([...overview.matchAll(/^ {2}(\w+) {2}/gm)].map((match) => match[1] as string));
}

async function differences(scratch: string): Promise<Record<string, Difference>> {
  const found: Record<string, Difference> = {};
  for (const precision of PRECISIONS) {
    const difference = await compareDumps(dumpFolder(scratch, precision, 'safe'), dumpFolder(scratch, precision, 'fast'));
    if (difference) found[precision] = difference;
  }
  return found;
}

/** "NVIDIA H200: 570.1" → "nvidia-h200". */
function slug(description: string): string {
  return (
    (description.split(':')[0] ?? '')
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '') || 'adapter'
  );
}

await runScript('node dist/bench/gpu.js', USAGE, main);
