import { join } from 'node:path';
import { contractionPlot } from '../../analysis/contraction-plot.js';
import { START_PROBE } from '../../analysis/situations.js';
import { visibleJson } from '../../foundation/visible.js';
import { describeEnvironment } from '../../platform/node/environment.js';
import { writeOutputFile } from '../../platform/node/output-file.js';
import type { PolicyInfo } from '../../policy/info.js';
import { checkNeeds, parseCommandLine } from '../../terminal/command-line.js';
import { plural } from '../../terminal/format.js';
import { interruptible } from '../../terminal/interrupt.js';
import { atMost, choiceOption, given, integerOption, profileOption, UsageError } from '../../terminal/options.js';
import { print, printJson } from '../../terminal/output.js';
import { facts } from '../../terminal/table.js';
import { analyzeContraction, type ContractionAnalysis, type ContractionRequest } from '../analyze/contraction.js';
import { contractionTables, HOW_TO_READ } from '../analyze/contraction-report.js';
import { BUNDLED_TASK, checkpointFolders } from '../checkpoint-folders.js';
import type { Command } from '../command.js';
import { episodesOption, firstSeedOption } from '../eval/seeds.js';
import { chosenTask, TASK_NAMES } from '../eval/tasks.js';
import { readHeaders, taskFor } from '../headers.js';
import { adapterName, networksFrom, withPolicy } from '../load.js';
import { outputFolderOption } from '../output-options.js';

const USAGE = `usage: warmstep analyze contraction [options]

Measures how much every step of a solver contracts: a policy plays episodes of a task, and in some of the situations that
come up, the samples on the solver's way are displaced in 16 random directions, by 0.001 and 0.1 (root mean square). Runs
from noise, and from the warm starts of STEP where there is a predictor.

  --task NAME      ${TASK_NAMES} (default: that of the bundled policy)
  --policy DIR     checkpoint folder of a policy for it (default: the bundled one, with its predictor)
  --predictor DIR  STEP predictor folder, or "shift": the episodes are then STEP's
  --solver NAME    DDPM or DDIM, for runs from noise (default: the checkpoint's)
  --steps N        network evaluations of these runs (default: the checkpoint's)
  --budget N       STEP: network evaluations per warm decision (default 2)
  --episodes N     episodes (default 1; 4 on hardware)
  --decisions N    situations of each episode (default 3; 8 on hardware)
  --seed S         seed of the first episode, and of noise and directions (default 100000)
  --output DIR     folder for contraction.json and contraction.svg; made where it is missing
  --adapter NAME   auto, hardware, swiftshader, lavapipe, or part of an adapter's name
  --profile P      safe (default), or fast: Dawn without validation and bounds checks; same results
  --json           one JSON object on standard output`;

const OPTIONS = {
  task: { type: 'string' },
  policy: { type: 'string' },
  predictor: { type: 'string' },
  solver: { type: 'string' },
  steps: { type: 'string' },
  budget: { type: 'string' },
  episodes: { type: 'string' },
  decisions: { type: 'string' },
  seed: { type: 'string' },
  output: { type: 'string' },
  adapter: { type: 'string' },
  profile: { type: 'string' },
  json: { type: 'boolean' },
} as const;

const FILES = { json: 'contraction.json', svg: 'contraction.svg' };
const DEFAULT_BUDGET = 2;
/** A step of one situation is 65 evaluations: a software adapter gets a sample of what a GPU does. */
const EXTENT = { software: { episodes: 1, decisions: 3 }, hardware: { episodes: 4, decisions: 8 } };

export const analyzeCommand: Command = {
  name: 'analyze',
  summary: 'Measure how much the steps of a solver contract.',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseCommandLine(args, OPTIONS);
    const [subject] = positionals;
    if (subject !== 'contraction') {
      throw new UsageError(`what to analyze must be contraction, found ${subject === undefined ? 'nothing' : `"${subject}"`}`);
    }
    atMost(positionals, 1);
    const kind = chosenTask('--task', values.task ?? BUNDLED_TASK);
    // The bundled policy brings a predictor along.
    if (values.policy !== undefined) checkNeeds<typeof OPTIONS>(values, { budget: ['predictor'] });
    const episodes = episodesOption(values.episodes);
    const decisions = integerOption('decisions', values.decisions, 1);
    const seed = firstSeedOption(values.seed, episodes ?? EXTENT.hardware.episodes, kind.largestSeed);
    const profile = profileOption(values.profile);
    const chosenSteps = integerOption('steps', values.steps, 1);
    const budget = integerOption('budget', values.budget, 1) ?? DEFAULT_BUDGET;
    const chosenSolver = choiceOption('solver', values.solver, ['DDPM', 'DDIM'] as const);
    const { policy: folder, predictor } = await checkpointFolders(values);
    const loading = given({ networks: networksFrom(predictor), adapter: values.adapter, profile });
    const headers = await readHeaders(folder);
    const task = taskFor(kind, headers);
    const { scheduler } = headers;
    const { type, numInferenceSteps, numTrainTimesteps } = scheduler;
    const solver = chosenSolver ?? type;
    const steps = chosenSteps ?? numInferenceSteps;
    for (const [name, count] of Object.entries({ steps, budget })) {
      if (count > numTrainTimesteps)
        throw new UsageError(`--${name} must be at most the checkpoint's ${numTrainTimesteps} timesteps, found ${count}`);
    }
    const chosen = { solver, steps, budget, seed, ...given({ episodes, decisions }) };
    const output = values.output === undefined ? undefined : await outputFolderOption('output', values.output, Object.values(FILES));
    return interruptible(async (signal) => {
      return withPolicy(folder, { ...loading, signal, probes: [START_PROBE] }, async (policy) => {
        const { info } = policy;
        const request = { ...EXTENT[info.adapter.isFallback ? 'software' : 'hardware'], ...chosen };
        const analysis = await analyzeContraction(policy, task, scheduler, request, signal);
        const record = recordOf(info, request, analysis);
        const files = output === undefined ? [] : await writeFiles(output, record, analysis);
        if (values.json) printJson({ ...record, files });
        else print(report(info, request, analysis, files));
        return 0;
      });
    });
  },
};

function recordOf(
  { name, adapter, precision }: PolicyInfo,
  request: ContractionRequest,
  { strategy, situations, series }: ContractionAnalysis,
): object {
  return {
    policy: name,
    precision,
    adapter,
    environment: describeEnvironment(),
    request,
    strategy,
    situations: situations.map(({ seed, decision, tick, warm }) => ({ seed, decision, tick, warm })),
    series,
  };
}

async function writeFiles(folder: string, record: object, { series }: ContractionAnalysis): Promise<string[]> {
  const [json, svg] = [join(folder, FILES.json), join(folder, FILES.svg)];
  await writeOutputFile(json, `${visibleJson(record, 2)}\n`);
  await writeOutputFile(svg, contractionPlot('How much the steps of the solver contract', series));
  return [json, svg];
}

function report(
  info: PolicyInfo,
  request: ContractionRequest,
  { situations, series }: ContractionAnalysis,
  files: readonly string[],
): string {
  const { episodes, seed } = request;
  const directions = series[0]?.contraction.directions ?? 0;
  return [
    facts([
      ['policy', `${info.name}, ${info.precision} weights`],
      ['adapter', adapterName(info)],
      ['situations', `${situations.length}, of ${plural(episodes, 'episode')} from seed ${seed}; ${directions} directions in each`],
      ...files.map((file): [string, string] => ['written', file]),
    ]),
    HOW_TO_READ,
    ...series.map(({ name, contraction }) => contractionTables(name, contraction)),
  ].join('\n\n');
}
