import { join } from 'node:path';
import type { TaskKind } from '../../envs/environment.js';
import { OBSERVED } from '../../envs/mujoco/task.js';
import { TASKS } from '../../envs/tasks.js';
import { ABLATIONS, parseGrid } from '../../evaluation/grid.js';
import { damagedLines } from '../../evaluation/journal.js';
import type { Shard } from '../../evaluation/shards.js';
import { PRECISION_CHOICES } from '../../policy/precision.js';
import { parseStrategies, STRATEGY_SPEC_HELP } from '../../strategies/parse.js';
import type { NamedStrategy } from '../../strategies/strategy-options.js';
import { type Parsed, parseCommandLine } from '../../terminal/command-line.js';
import { interruptible } from '../../terminal/interrupt.js';
import { atMost, choiceOption, given, integerOption, profileOption, UsageError } from '../../terminal/options.js';
import { printNote } from '../../terminal/output.js';
import { checkpointFolders } from '../checkpoint-folders.js';
import type { Command } from '../command.js';
import { fingerprintOf, ofAllStrategies } from '../eval/fingerprint.js';
import { JournalFile } from '../eval/journal-file.js';
import { isKernelPolicy, kernelSubject } from '../eval/kernel-subject.js';
import { mergeEvaluations } from '../eval/merge.js';
import { chosenOf, leftOutLines, type OptionalStrategies, PRESETS_HELP, presetOption } from '../eval/presets.js';
import { readReference } from '../eval/reference.js';
import { presentOutcome, RESULT_FILES } from '../eval/results.js';
import { type EvaluationCampaign, endNote, journalHeader, runEvaluation } from '../eval/run-evaluation.js';
import { episodesOption, firstSeedOption, MOST_PARALLEL, shardOption, shardSuffix } from '../eval/seeds.js';
import { type EvaluationSubject, refusal } from '../eval/subject.js';
import { chosenTask, TASK_NAMES } from '../eval/tasks.js';
import { lockFolder } from '../folder-lock.js';
import { checkStrategies, noteUnused, readHeaders, readMethods, taskFor } from '../headers.js';
import { networksFrom, withPolicy } from '../load.js';
import { outputFolderOption } from '../output-options.js';

const USAGE = `usage: warmstep eval TASK [options]
       warmstep eval merge PART… [--output DIR] [--compare FILE] [--json]

Runs strategies in closed loop in the simulator of a task (${TASK_NAMES}), many episodes as one batch, and writes a table, evaluation.json and
report.html. Interrupted, it goes on where it was when it is started again. Where a strategy has failed in all its episodes, the exit
code is 1.

Tasks of the SO-101 and of the floating gripper run in MuJoCo (npm install @mujoco/mujoco). Those of the SO-101 take options of its servos behind
their names, between slashes:
voltage=12 or 7.4, p=1 … 254 (16), friction=0 … 3 (1), backlash=0 … 5 degrees (0), flicker=0 … 1 (0).

With --shard K/N it runs a part, on this machine or another; "merge" joins the folders of all parts to the results of the undivided
evaluation.

  --policy DIR        checkpoint folder, or hf:OWNER/NAME (default: the bundled policy, with its predictor); or kernel:FILE, a policy without
                      training or a GPU: the exact denoiser of demonstrations, a file that "warmstep demonstrations" writes
  --predictor DIR     STEP predictor folder, or "shift"
  --network DIR       network of a method that a strategy needs, such as Consistency Policy's student; may be repeated
  --strategies LIST   between commas (default step:2,ddim:10,ddim:2, without step:2 where there is no predictor); see below
  --preset NAME       paper: all strategies that STEP's paper compares, of methods with networks of their own those that are given with --network; what
                      cannot run is named in the results. --strategies adds others, all other options stand in for those of the preset
  --without LIST      strategies of the preset that are left out, such as ddpm:100, unless --strategies or a grid has them; the same command without
                      it adds them later
  --grid STRATEGY     a strategy with several values, between commas, of one or two options: all combinations, as a heat map.
                      May be repeated. E.g. step:2/sigmaScale=0.2,0.4/sigmaStall=0.8,1.2
  --ablations         the grids over stall rule and its mixture, start rule, budget, and history
  --episodes N        seeds per strategy (default 50)
  --seed N            first seed (default 100000, where published evaluations begin)
  --shard K/N         part K of N: every N-th seed, into evaluation-TASK-K-of-N; part 1 measures latencies
  --parallel N        episodes in a batch (default: all, at most 64); does not change results
  --observations O    image: the policy looks through the task's cameras, in MuJoCo observation.images.top and others; numbers (default)
  --threads N         threads that simulate, for tasks in MuJoCo (default: cores less one, at most 16; 0: none but this one); does not change results
  --replays N         seeds whose replays the report shows (default 8)
  --latencies N       decisions timed per strategy, one at a time (default 50; 0: none), as many as 20 s allow
  --compare FILE      scores of another implementation: prints whether they agree within what chance explains; where they do
                      not, or nothing can be compared, the exit code is 1
  --output DIR        where results go (default evaluation-TASK); one evaluation at a time
  --skip-damaged      where the journal in it has damaged lines, run their episodes again
  --precision P       storage of the weights: f32 (default), f16, int8 or auto
  --adapter NAME      auto, hardware, swiftshader, lavapipe, or part of an adapter's name
  --profile P         safe (default), or fast: Dawn without validation and bounds checks; same results
  --json              the record on standard output

Presets:
${PRESETS_HELP}

${STRATEGY_SPEC_HELP}`;

const OPTIONS = {
  policy: { type: 'string' },
  predictor: { type: 'string' },
  network: { type: 'string', multiple: true },
  strategies: { type: 'string' },
  preset: { type: 'string' },
  without: { type: 'string' },
  grid: { type: 'string', multiple: true },
  ablations: { type: 'boolean' },
  episodes: { type: 'string' },
  seed: { type: 'string' },
  shard: { type: 'string' },
  parallel: { type: 'string' },
  observations: { type: 'string' },
  threads: { type: 'string' },
  replays: { type: 'string' },
  latencies: { type: 'string' },
  compare: { type: 'string' },
  output: { type: 'string' },
  'skip-damaged': { type: 'boolean' },
  precision: { type: 'string' },
  adapter: { type: 'string' },
  profile: { type: 'string' },
  json: { type: 'boolean' },
} as const;

type Values = Parsed<typeof OPTIONS>['values'];

const DEFAULT_STRATEGIES = 'step:2,ddim:10,ddim:2';
const MOST_THREADS = 256;
const LATENCY_BUDGET_MS = 20_000;

export const evalCommand: Command = {
  name: 'eval',
  summary: 'Evaluate strategies in closed loop in a simulator.',
  usage: USAGE,
  run: async (args) => {
    if (args[0] === 'merge') return mergeEvaluations(args.slice(1));
    const { values, positionals } = parseCommandLine(args, OPTIONS, { without: ['preset'] });
    const threads = integerOption('threads', values.threads, 0, MOST_THREADS);
    const kind = chosenTask('the task', positionals[0], threads, choiceOption('observations', values.observations, OBSERVED));
    atMost(positionals, 1);
    if (threads !== undefined && TASKS.has(positionals[0] ?? ''))
      throw new UsageError(`--threads is for tasks in MuJoCo, and ${positionals[0]} is none: leave it out`);
    const { optional, ...extent } = planOf(values, kind);
    const reference = values.compare === undefined ? undefined : readReference(values.compare);
    const subject = (await kernelSubject(values)) ?? (await checkpointSubject(values));
    const { strategies: chosen, leftOut } = await chosenOf(optional, subject, extent.strategies);
    const strategies = unique([...chosen, ...extent.strategies]);
    if (strategies.length === 0) throw new UsageError(`there is no strategy to evaluate. ${leftOut[0]?.name}: ${leftOut[0]?.why}`);
    for (const line of leftOutLines(leftOut)) printNote(`not evaluated: ${line}`);
    const plan = { ...extent, strategies, leftOut, task: await subject.taskFor(kind, strategies) };
    // Demonstrations of another task were refused: of those nobody wants to know which seeds they have.
    const note = subject.noteOn?.(extent.seed, extent.episodes);
    if (note !== undefined) printNote(note);
    const output = await outputFolderOption(
      'output',
      values.output ?? `evaluation-${kind.name.replaceAll('/', '-')}${shardSuffix(plan.shard)}`,
      Object.values(RESULT_FILES),
      { own: [RESULT_FILES.journal] },
    );
    const lock = lockFolder(output);
    try {
      return await interruptible((signal) =>
        subject.use(signal, async (policy, fingerprint) => {
          const header = journalHeader(plan.task, fingerprint.common);
          const shard = plan.shard && { ...plan.shard, fingerprint: ofAllStrategies(fingerprint) };
          const journal = await JournalFile.open(join(output, RESULT_FILES.journal), header, values['skip-damaged'] === true);
          if (journal.damaged.length > 0) printNote(`${RESULT_FILES.journal}: ${damagedLines(journal.damaged)}: left out`);
          const campaign = { ...plan, shard, networks: fingerprint.networks };
          const record = await runEvaluation(policy, campaign, journal, signal).catch((error: unknown) => {
            printNote(endNote(error, output));
            throw error;
          });
          return await presentOutcome(output, record, reference, values.json === true);
        }),
      );
    } finally {
      lock.release();
    }
  },
};

/** The policy of a checkpoint, on a device. @throws UsageError, and as `checkpointFolders`. */
async function checkpointSubject(values: Values): Promise<EvaluationSubject> {
  const precision = choiceOption('precision', values.precision, PRECISION_CHOICES);
  const profile = profileOption(values.profile);
  const folders = await checkpointFolders(values);
  const loading = given({ networks: networksFrom(folders.predictor, folders.methods), precision, adapter: values.adapter, profile });
  const headersOf = once(() => readHeaders(folders.policy));
  const methodsOf = once(() => readMethods(folders.methods));
  return {
    // Task and strategies are checked before any weights are read.
    taskFor: async (kind, strategies) => {
      const headers = await headersOf();
      const task = taskFor(kind, headers);
      const methods = await methodsOf();
      const needed = await checkStrategies(headers, folders.predictor, strategies, methods);
      noteUnused(strategies, needed, { predictor: values.predictor, methods });
      return task;
    },
    whyNot: async (strategy) => {
      const [headers, methods] = [await headersOf(), await methodsOf()];
      return refusal(() => checkStrategies(headers, folders.predictor, [strategy], methods));
    },
    use: (signal, then) =>
      withPolicy(folders.policy, { ...loading, signal }, async (policy) => then(policy, await fingerprintOf(policy, folders))),
  };
}

/** Makes something when it is first asked for, and keeps it. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function planOf(
  values: Values,
  { name: task, largestSeed }: TaskKind,
): Omit<EvaluationCampaign, 'task' | 'shard' | 'leftOut'> & { readonly shard: Shard | undefined; readonly optional: OptionalStrategies } {
  const episodes = episodesOption(values.episodes) ?? 50;
  const shard = shardOption(values.shard, episodes);
  const grids = [...(values.ablations ? ABLATIONS : []), ...(values.grid ?? [])].map(parseGrid);
  const preset = presetOption(values.preset, values.without, { task, isExact: isKernelPolicy(values.policy) });
  const { strategies: listed } = values;
  const strategies = unique([...(listed === undefined ? [] : parseStrategies(listed)), ...grids.flatMap((grid) => grid.strategies)]);
  // Nobody has asked for these by name: like a preset's, those that cannot run are left out, and said to be.
  const isUsual = strategies.length === 0 && values.preset === undefined;
  return {
    optional: isUsual ? { strategies: parseStrategies(DEFAULT_STRATEGIES), without: [] } : preset,
    strategies,
    grids,
    seed: firstSeedOption(values.seed, episodes, largestSeed),
    episodes,
    shard,
    parallel: integerOption('parallel', values.parallel, 1) ?? Math.min(episodes, MOST_PARALLEL),
    replays: integerOption('replays', values.replays) ?? 8,
    // Of one part alone: the others may run on other machines.
    latencies: integerOption('latencies', values.latencies) ?? ((shard?.index ?? 1) === 1 ? 50 : 0),
    latencyBudgetMs: LATENCY_BUDGET_MS,
  };
}

/** A strategy of the list may be a cell of a grid too. */
function unique(strategies: readonly NamedStrategy[]): NamedStrategy[] {
  return [...new Map(strategies.map((strategy) => [strategy.name, strategy])).values()];
}
