import type { Task } from '../../envs/environment.js';
import { LARGEST_SEED } from '../../envs/mujoco/random.js';
import type { EvaluationRecord } from '../../evaluation/record.js';
import type { PolicyInfo } from '../../policy/info.js';
import { parseStrategies } from '../../strategies/parse.js';
import { checkWithout, type Parsed, parseCommandLine } from '../../terminal/command-line.js';
import { plural } from '../../terminal/format.js';
import { interruptible } from '../../terminal/interrupt.js';
import { atMost, given, integerOption, profileOption, UsageError } from '../../terminal/options.js';
import { print, printJson, printNote } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import { BUNDLED_TASK, bundledCheckpoint, noteBundled } from '../checkpoint-folders.js';
import type { Command } from '../command.js';
import { type StallDemo, showStall } from '../demo/stall-demo.js';
import { ownRecord } from '../eval/own-record.js';
import { presentOutcome, RESULT_FILES } from '../eval/results.js';
import { type EvaluationCampaign, runEvaluation } from '../eval/run-evaluation.js';
import { episodesOption, firstSeedOption } from '../eval/seeds.js';
import { chosenTask } from '../eval/tasks.js';
import { lockFolder } from '../folder-lock.js';
import { withPolicy } from '../load.js';
import { outputFolderOption } from '../output-options.js';
import { watchEpisode } from '../watch/watch-episode.js';

const USAGE = `usage: warmstep demo [options]
       warmstep demo so101 [--seed N] [--json]

Lets the bundled Push-T policy push the block in closed loop: STEP with two network evaluations per decision, against
DDIM with 2 and with 10 on the same seeds. Prints scores and latencies; writes a report with replays.

With "so101": a simulated arm whose servos stick, in the terminal, without a GPU. An expert demonstrates with pauses, as people do; a policy of its
demonstrations stands still in one, and STEP's perturbation frees it (npm install @mujoco/mujoco).

  --watch          shows one episode live in the terminal instead
  --episodes N     episodes per strategy (default: 4 on a software adapter, else 50)
  --seed N         seed of the first episode (default 100000; so101: 2)
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

/** Of the other demonstration, and its seed, one of the demonstrated ones. */
const STALL_DEMO = 'so101';
const STALL_SEED = 2;

type Values = Parsed<typeof OPTIONS>['values'];

const STRATEGIES = 'step:2,ddim:2,ddim:10';
/** Unless the user says otherwise. */
const MOST_EPISODES = 50;

export const demoCommand: Command = {
  name: 'demo',
  summary: 'Let the bundled policy push a block: STEP against DDIM, scores and latency.',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseCommandLine(args, OPTIONS);
    if (positionals[0] === STALL_DEMO) return stallDemo(positionals, values);
    atMost(positionals, 0);
    const kind = chosenTask('the task', BUNDLED_TASK);
    const episodes = episodesOption(values.episodes);
    const seed = firstSeedOption(values.seed, episodes ?? MOST_EPISODES, kind.largestSeed);
    const profile = profileOption(values.profile);
    if (values.watch) checkWithout<typeof OPTIONS>(values, ['episodes', 'output', 'json'], '--watch shows one episode and writes nothing');
    const place = values.output ?? 'evaluation-demo';
    const output = values.watch
      ? undefined
      : await outputFolderOption('output', place, Object.values(RESULT_FILES), ownRecord(place, isDemo));
    const lock = output === undefined ? undefined : lockFolder(output);
    const bundled = bundledCheckpoint();
    noteBundled();
    const progress = new Progress();
    progress.phase('loading the policy and its predictor');
    return interruptible(async (signal) => {
      const options = { networks: { predictor: bundled.predictor }, signal, ...given({ adapter: values.adapter, profile }) };
      return withPolicy(bundled.policy, options, async (policy) => {
        progress.done();
        const task = kind.forPolicy(policy.info);
        if (output === undefined) {
          const { score, success, ticks, failure } = await watchEpisode(policy, task, seed, process.stdout, signal);
          const end = failure === undefined ? (success ? 'success' : 'not solved') : 'failed';
          print(`${end} after ${plural(ticks, 'tick')}; largest reward ${score.toFixed(3)}`);
          if (failure !== undefined) printNote(failure);
          return failure === undefined ? 0 : 1;
        }
        const record = await runEvaluation(policy, planFor(task, policy.info, seed, episodes), undefined, signal);
        return presentOutcome(output, record, undefined, values.json === true);
      });
    }).finally(() => {
      progress.done();
      lock?.release();
    });
  },
};

/** The arm that stalls and is freed. Whether it did decides the exit code. */
async function stallDemo(positionals: readonly string[], { seed: given, json, ...others }: Values): Promise<number> {
  atMost(positionals, 1);
  const other = Object.entries(others).find(([, value]) => value !== undefined)?.[0];
  if (other) throw new UsageError(`--${other} does not go with ${STALL_DEMO}: it opens no device and writes nothing`);
  const seed = integerOption('seed', given, 0, LARGEST_SEED) ?? STALL_SEED;
  return interruptible(async (signal) => {
    const demo = await showStall(seed, json ? process.stderr : process.stdout, signal);
    if (json) printJson(demo);
    else print(stallReport(demo));
    return demo.isStuck && demo.freed.success ? 0 : 1;
  });
}

function stallReport({ stuck, isStuck, freed }: StallDemo): string {
  const end = ({ success, failure, ticks }: StallDemo['stuck']): string =>
    failure ?? `${success ? 'success' : 'not solved'} after ${plural(ticks, 'tick')}`;
  return [
    `without perturbation  ${isStuck ? `stands still, the same decision over and over: given up after ${plural(stuck.ticks, 'tick')}` : end(stuck)}`,
    `with perturbation     ${end(freed)}; ${plural(freed.stalls, 'decision')} of ${freed.decisions} perturbed`,
  ].join('\n');
}

/** Whether a record is what a demonstration before left. */
function isDemo({ task, shard, strategies }: EvaluationRecord): boolean {
  return task === BUNDLED_TASK && shard === undefined && strategies.map(({ name }) => name).join(',') === STRATEGIES;
}

/** A software adapter gets a sample of what a GPU does in full. */
function planFor(task: Task, info: PolicyInfo, seed: number, episodes: number | undefined): EvaluationCampaign {
  const { isFallback } = info.adapter;
  const count = episodes ?? (isFallback ? 4 : MOST_EPISODES);
  return {
    task,
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
