import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { AdapterSummary } from '../../runtime/device.js';
import type { Command } from '../command.js';
import { runExperiment, type Extent } from '../demo/experiment.js';
import { demoReport, score } from '../demo/report.js';
import { packageInfo } from '../environment.js';
import { interruptible } from '../interrupt.js';
import { withPolicy } from '../load.js';
import { atMost, given, integerOption, profileOption } from '../options.js';
import { print, printJson } from '../output.js';
import { Progress } from '../progress.js';
import { readRecording } from '../recording.js';

const USAGE = `usage: warmstep demo [options]

Runs the bundled Push-T policy over a recorded episode: STEP with two network evaluations per decision, against DDIM
with 2, 4 and 10, measured by the distance to what DDPM with 100 evaluations chooses.

  --decisions N    only the first N decisions of the episode, at least 2
  --adapter NAME   auto, hardware, swiftshader, lavapipe, or part of an adapter's name
  --profile P      safe (default), or fast: Dawn without validation and bounds checks; same results
  --json           one JSON object on standard output`;

export const demoCommand: Command = {
  name: 'demo',
  summary: 'Run the bundled Push-T policy with STEP and compare it with DDIM and DDPM.',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { decisions: { type: 'string' }, adapter: { type: 'string' }, profile: { type: 'string' }, json: { type: 'boolean' } },
    });
    atMost(positionals, 0);
    const most = integerOption('decisions', values.decisions, 2) ?? Infinity;
    const profile = profileOption(values.profile);
    const folder = join(packageInfo().root, 'checkpoints', 'pusht-state');
    new Progress().phase('loading the policy and its predictor');
    return interruptible(async (signal) => {
      const options = { predictor: join(folder, 'predictor'), signal, ...given({ adapter: values.adapter, profile }) };
      return withPolicy(join(folder, 'policy'), options, async (policy) => {
        const { info } = policy;
        const recording = await readRecording(join(folder, 'recorded-episode.safetensors'), info.observations);
        const decisions = Math.min(most, Math.floor(recording.ticks / info.actionSteps));
        const experiment = await runExperiment(policy, recording, decisions, extentFor(info.adapter, decisions), signal);
        const scores = score(experiment, info.actionDim);
        if (values.json) printJson({ adapter: info.adapter, decisions, judged: experiment.judged, scores });
        else print(demoReport(info, recording.ticks, experiment, scores));
        return 0;
      });
    });
  },
};

/** A hundred evaluations take a software adapter seconds: it judges by a few decisions, and times a few. */
function extentFor(adapter: AdapterSummary, decisions: number): Extent {
  return adapter.isFallback
    ? { compared: 12, yardstick: 6, timed: 3, yardstickTimed: 0 }
    : { compared: decisions, yardstick: decisions, timed: decisions, yardstickTimed: decisions };
}
