import { describeEnvironment, type Environment } from '../../platform/node/environment.js';
import { parseCommandLine } from '../../terminal/command-line.js';
import { count } from '../../terminal/format.js';
import { atMost } from '../../terminal/options.js';
import { print, printJson } from '../../terminal/output.js';
import { facts, table } from '../../terminal/table.js';
import type { Command } from '../command.js';
import { type Diagnosis, diagnose, type LimitCheck } from '../diagnosis.js';
import { adapterName } from '../load.js';

const USAGE = `usage: warmstep doctor [--adapter NAME] [--json]

Opens the adapter that other commands would use, runs one kernel whose result is known, and prints what there is, what
is missing and what to do. Exit code 1 when policies cannot run here.

  --adapter NAME   auto (default), hardware, swiftshader, lavapipe, or part of an adapter's name
  --json           one JSON object on standard output`;

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'Check adapter, driver, features and limits, and say what is missing.',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseCommandLine(args, { adapter: { type: 'string' }, json: { type: 'boolean' } });
    atMost(positionals, 0);
    const environment = describeEnvironment();
    const diagnosis = await diagnose(values.adapter);
    if (values.json) printJson({ ...diagnosis, environment });
    else print(report(environment, diagnosis));
    return diagnosis.ok ? 0 : 1;
  },
};

/** Optional features. The engine needs none of them. */
const FEATURES = ['timestamp-query', 'shader-f16', 'subgroups'];

function report(environment: Environment, diagnosis: Diagnosis): string {
  const { adapter, features, limits, knownAnswer } = diagnosis;
  const parts = [
    facts([
      ['warmstep', environment.warmstep],
      ['node', `${environment.node}, ${environment.platform}`],
      ['webgpu', environment.webgpu],
      ['adapters', diagnosis.adaptersSeen.join(', ') || 'Dawn sees none on this system'],
    ]),
  ];
  if (adapter) {
    parts.push(
      facts([
        ['adapter', adapterName({ adapter })],
        ['variants', adapter.variants],
        ['vendor', [adapter.vendor, adapter.architecture, adapter.device].filter((part) => part !== '').join(', ')],
        ['features', FEATURES.map((name) => `${name} ${features.includes(name) ? 'yes' : 'no'}`).join(', ') + ' (none is needed)'],
        ...(knownAnswer
          ? [
              [
                'check',
                `${knownAnswer.kernel} on this adapter against the host: largest error ` +
                  `${knownAnswer.largestError.toExponential(1)}, ${knownAnswer.ok ? 'ok' : 'WRONG'}`,
              ] as const,
            ]
          : []),
      ]),
      table(
        ['limit', 'granted', 'needed', ''],
        limits.map((limit) => [limit.name, count(limit.granted), count(limit.needed), verdict(limit)]),
      ),
    );
  }
  const remarks = [
    ...diagnosis.problems.map((text) => `problem: ${text}`),
    ...diagnosis.advice.map((text) => `advice: ${text}`),
    diagnosis.ok ? 'Policies can run here.' : 'Policies cannot run here.',
  ];
  return [...parts, remarks.join('\n')].join('\n\n');
}

function verdict({ granted, least, ok }: LimitCheck): string {
  if (ok) return 'ok';
  return granted < least ? 'TOO SMALL' : 'too small for the 249M network';
}
