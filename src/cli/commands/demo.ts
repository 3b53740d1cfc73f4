import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseStrategies } from '../../evaluation/strategy-spec.js';
import { pushTTask } from '../../evaluation/task.js';
import type { PolicyInfo } from '../../policy/policy-info.js';
import type { Command } from '../command.js';
import { watchEpisode } from '../demo/watch.js';
import { packageInfo } from '../environment.js';
import { evaluationReport } from '../eval/print.js';
import { writeResults } from '../eval/results.js';
import { runEvaluation, type EvaluationPlan } from '../eval/run-evaluation.js';
import { plural } from '../format.js';
import { interruptible } from '../interrupt.js';
import { withPolicy } from '../load.js';
import { atMost, given, integerOption, profileOption } from '../options.js';
import { print, printJson } from '../output.js';
import { Progress } from '../progress.js';

const USAGE = `usage: warmstep demo [options]

Lets the bundled Push-T policy push the block in closed loop: STEP with two network evaluations per decision, against
DDIM with 2 and with 10 on the same seeds. Prints scores and latencies; writes a report with replays.

  --watch          shows one episode live in the terminal instead
  --episodes N     episodes per strategy (default: 4 on a software adapter, else 50)
  --seed N         seed of the first episode (default 100000)
  --output DIR     where report.html and evaluation.json go (default evaluation-demo)
  --adapter NAME   auto, hardware, swiftshader, lavapipe, or part of an adapter's name
  --profile P      safe (default), or fast: Dawn without validation and bounds checks; same results
  --json           the record on standard output`;

const OPTIONS = {
  watch: { type: 'boolean' },
  episodes: { type: 'string' },
  seed: { type: 'string' },
  output: { type: 'string' },
  adapter: { type: 'string' },
  profile: { type: 'string' },
  json: { type: 'boolean' },
} as const;

const STRATEGIES = 'step:2,ddim:2,ddim:10';

export const demoCommand: Command = {
  name: 'demo',
  summary: 'Let the bundled policy push a block: STEP against DDIM, scores and latency.',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS });
    atMost(positionals, 0);
    const episodes = integerOption('episodes', values.episodes, 1);
    const seed = integerOption('seed', values.seed) ?? 100_000;
    const profile = profileOption(values.profile);
    const output = resolve(values.output ?? 'evaluation-demo');
    const folder = join(packageInfo().root, 'checkpoints', 'pusht-state');
    new Progress().phase('loading the policy and its predictor');
    return interruptible(async (signal) => {
      const options = { predictor: join(folder, 'predictor'), signal, ...given({ adapter: values.adapter, profile }) };
      return withPolicy(join(folder, 'policy'), options, async (policy) => {
        if (values.watch) {
          const { score, success, ticks } = await watchEpisode(policy, seed, process.stdout, signal);
          print(`${success ? 'success' : 'not solved'} after ${plural(ticks, 'control step')}; largest reward ${score.toFixed(3)}`);
          return 0;
        }
        const record = await runEvaluation(policy, planFor(policy.info, seed, episodes), undefined, signal);
        const files = await writeResults(output, record);
        if (values.json) printJson(record);
        else print(`${evaluationReport(record)}\n\n${files.join('\n')}`);
        return 0;
      });
    });
  },
};

/** A software adapter gets a sample of what a GPU does in full. */
function planFor(info: PolicyInfo, seed: number, episodes: number | undefined): EvaluationPlan {
  const { isFallback } = info.adapter;
  const count = episodes ?? (isFallback ? 4 : 50);
  return {
    task: pushTTask(info),
    strategies: parseStrategies(STRATEGIES),
    grids: [],
    seed,
    episodes: count,
    parallel: count,
    replays: count,
    latencies: isFallback ? 10 : 50,
    latencyBudgetMs: isFallback ? 3_000 : 20_000,
  };
}
