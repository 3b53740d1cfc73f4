import { parseArgs } from 'node:util';
import type { CheckpointSource } from '../../checkpoints/source.js';
import type { Dataset } from '../../datasets/dataset.js';
import { OptionError } from '../../foundation/errors.js';
import { folderSource } from '../../platform/node/folder-source.js';
import { folderStorage } from '../../platform/node/folder-storage.js';
import { openDataset } from '../../platform/node/open-dataset.js';
import { outputFolder } from '../../platform/node/output-file.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { count } from '../../terminal/format.js';
import { Interrupted, interruptible } from '../../terminal/interrupt.js';
import {
  atMost,
  choiceOption,
  given,
  integerListOption,
  integerOption,
  profileOption,
  required,
  UsageError,
} from '../../terminal/options.js';
import { print, printJson, printNote } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import type { RunHistory } from '../../training/loop/history.js';
import { POLICY_PRESETS, PRESET_NAMES } from '../../training/loop/presets.js';
import { hasState } from '../../training/loop/run-state.js';
import type { RunStorage } from '../../training/loop/run-storage.js';
import type { TrainOptions } from '../../training/loop/train-options.js';
import { trainPolicy } from '../../training/loop/train-policy.js';
import { trainPredictor } from '../../training/loop/train-predictor.js';
import type { Command } from '../command.js';
import { lockFolder } from '../eval/folder-lock.js';
import { readHeaders, taskFor } from '../headers.js';
import { adapterName, withDevice } from '../load.js';
import { outputFolderOption } from '../output-options.js';
import { type ClosedLoop, closedLoopOption, runClosedLoop } from '../train/closed-loop.js';
import { numberOption, runOptions, TRAIN_OPTIONS, TRAIN_OPTIONS_HELP, type TrainValues } from '../train/options.js';
import { figuresText, Presentation, REPORT_FILE } from '../train/presentation.js';

const USAGE = `usage: warmstep train predictor --policy DIR --dataset DIR --output DIR [options]
       warmstep train policy --dataset DIR --output DIR [options]

Trains a STEP predictor for a policy, or a diffusion policy, on demonstrations. The result lies in --output, as good as it is by then, from
the first checkpoint on: a predictor's folder, or a LeRobot checkpoint. report.html shows the run while it goes on. Ctrl-C saves it;
--resume goes on with the same bits.

${TRAIN_OPTIONS_HELP}

of a predictor (default: 5,000 steps, preset step):
  --policy DIR         the policy that it is for; with pictures, the predictor reads the features that the policy's encoder makes
  --history-steps N    rows of the previous chunk that it reads (default: all)
  --dropout X          inside the network (default 0.1)
  --row-dropout X, --history-noise X
                       rows of the previous chunk hidden, and noise on the others, against copying (default 0.3, 0.02)

of a policy (default: 100,000 steps, preset lerobot):
  --down-dims LIST     widths of the U-Net (default 512,1024,2048)
  --horizon N, --action-steps N, --observation-steps N
                       rows of a chunk (default 16), rows executed (8), frames read (2)
  --observations LIST  what it reads besides the state: observation.environment_state, cameras (default: no cameras); a camera
                       trains an encoder, a ResNet-18 from scratch; --crop 84x84: height and width that its pictures are cropped to
  --noise-scheduler S  what the policy samples with by itself: ddpm (default) or ddim; --inference-steps N: in how many steps
  --mask-padding       leaves actions beyond the end of an episode out of the loss`;

const OPTIONS = {
  ...TRAIN_OPTIONS,
  policy: { type: 'string' },
  'history-steps': { type: 'string' },
  dropout: { type: 'string' },
  'row-dropout': { type: 'string' },
  'history-noise': { type: 'string' },
  'down-dims': { type: 'string' },
  observations: { type: 'string' },
  crop: { type: 'string' },
  horizon: { type: 'string' },
  'action-steps': { type: 'string' },
  'observation-steps': { type: 'string' },
  'noise-scheduler': { type: 'string' },
  'inference-steps': { type: 'string' },
  'mask-padding': { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>>['values'];

const NETWORKS = ['predictor', 'policy'] as const;
type Network = (typeof NETWORKS)[number];
/** Options that only one of the two networks has. */
const OWN: Readonly<Record<Network, readonly (keyof Values)[]>> = {
  predictor: ['policy', 'history-steps', 'dropout', 'row-dropout', 'history-noise'],
  policy: [
    'down-dims',
    'observations',
    'crop',
    'horizon',
    'action-steps',
    'observation-steps',
    'noise-scheduler',
    'inference-steps',
    'mask-padding',
  ],
};
const PREDICTOR_STEPS = 5_000;
const POLICY_STEPS = 100_000;

export const trainCommand: Command = {
  name: 'train',
  summary: 'Train a STEP predictor for a policy, or a policy, on demonstrations.',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS });
    atMost(positionals, 1);
    const network = networkOf(positionals[0]);
    refuseForeign(network, values);
    const job = network === 'predictor' ? predictorJob(values) : policyJob(values);
    const folder = required('dataset', values.dataset);
    const output = await outputFolderOption('output', required('output', values.output), [REPORT_FILE]);
    const storage = await folderStorage(output);
    await checkResume(storage, output, values.resume === true);
    await job.check();
    const lock = lockFolder(await outputFolder(`${output}/training`), 'training');
    try {
      const fps = numberOption('fps', values.fps, 0);
      const dataset = await openDataset(folder, fps === undefined ? {} : { fps });
      try {
        for (const warning of dataset.warnings) printNote(warning);
        return await run(job, dataset, storage, output, values);
      } finally {
        await dataset.close();
      }
    } finally {
      lock.release();
    }
  },
};

/** What is to be trained. */
interface Job {
  readonly title: string;
  readonly steps: number;
  readonly closedLoop: ClosedLoop | undefined;
  /** Before the data set is opened. */
  check(): Promise<void>;
  train(options: Omit<TrainOptions, 'steps'>): Promise<RunHistory>;
  /** What the result is run with in closed loop. */
  networks(result: CheckpointSource): { readonly policy: CheckpointSource | string; readonly predictor?: CheckpointSource };
}

async function run(job: Job, dataset: Dataset, storage: RunStorage, output: string, values: Values): Promise<number> {
  const choice = { adapter: values.adapter, profile: profileOption(values.profile) };
  const progress = new Progress();
  return interruptible((signal) =>
    withDevice(choice, async (device) => {
      const presentation = new Presentation(output, job.title, factsOf(dataset, device, job), job.steps, progress);
      let told: RunHistory | undefined;
      progress.phase(`${job.title}: preparing`);
      try {
        const history = await job.train({
          device,
          dataset,
          storage,
          signal,
          onEvent: async (event, now) => {
            told = now;
            await presentation.tell(event, now);
          },
          ...(job.closedLoop === undefined ? {} : { onEvaluate: evaluator(job, job.closedLoop, device, signal, progress) }),
        });
        present(output, history, values.json === true);
        return 0;
      } catch (error) {
        progress.done();
        if (told) await presentation.end(told);
        const isInterrupted = error instanceof Interrupted;
        if (isInterrupted && (await hasState(storage)))
          printNote(`the run is saved in ${output}: go on with the same command and --resume.`);
        throw error;
      } finally {
        progress.done();
      }
    }),
  );
}

function evaluator(
  job: Job,
  closedLoop: ClosedLoop,
  device: ComputeDevice,
  signal: AbortSignal,
  progress: Progress,
): NonNullable<TrainOptions['onEvaluate']> {
  return (result) => runClosedLoop(closedLoop, job.networks(result), { device, signal, progress });
}

function present(output: string, { evaluations }: RunHistory, json: boolean): void {
  const last = evaluations.at(-1);
  if (json) printJson({ output, report: `${output}/${REPORT_FILE}`, step: last?.step, figures: last?.figures });
  else print(`${figuresText(last?.figures ?? {})}\n\nresult  ${output}\nreport  ${output}/${REPORT_FILE}`);
}

function predictorJob(values: Values): Job {
  const policy = required('policy', values.policy);
  const runs = runOptions(values as TrainValues, PREDICTOR_STEPS, PRESET_NAMES);
  const own = {
    sizes: given({ historySteps: integerOption('history-steps', values['history-steps'], 1, 4096) }),
    history: given({
      rowDropout: numberOption('row-dropout', values['row-dropout'], 0, 1),
      noise: numberOption('history-noise', values['history-noise']),
    }),
    ...given({ dropout: numberOption('dropout', values.dropout, 0, 0.99) }),
  };
  const closedLoop = closedLoopOption(values as TrainValues, 'step:2');
  return {
    title: 'training a predictor',
    steps: runs.steps,
    closedLoop,
    check: async () => {
      const headers = await readHeaders(policy);
      if (closedLoop) taskFor(closedLoop.kind, headers);
    },
    train: async (options) => trainPredictor({ ...options, ...runs, ...own, policy: await folderSource(policy) }),
    networks: (predictor) => ({ policy, predictor }),
  };
}

function policyJob(values: Values): Job {
  const runs = runOptions(values as TrainValues, POLICY_STEPS, POLICY_PRESETS);
  const scheduler = choiceOption('noise-scheduler', values['noise-scheduler'], ['ddpm', 'ddim']);
  const own = {
    sizes: given({ downDims: integerListOption('down-dims', values['down-dims'], 1, 65_536) }),
    scheduler: given({
      type: scheduler === undefined ? undefined : scheduler === 'ddim' ? ('DDIM' as const) : ('DDPM' as const),
      numInferenceSteps: integerOption('inference-steps', values['inference-steps'], 1, 100),
    }),
    maskPadding: values['mask-padding'] === true,
    ...given({
      observations: values.observations?.split(',').map((name) => name.trim()),
      crop: sidesOption('crop', values.crop),
      horizon: integerOption('horizon', values.horizon, 1, 4096),
      actionSteps: integerOption('action-steps', values['action-steps'], 1, 4096),
      observationSteps: integerOption('observation-steps', values['observation-steps'], 1, 1024),
    }),
  };
  return {
    title: 'training a policy',
    steps: runs.steps,
    closedLoop: closedLoopOption(values as TrainValues, 'ddim:10'),
    check: async () => {},
    train: async (options) => {
      noteUnread(options.dataset, values.observations?.split(',') ?? []);
      return trainPolicy({ ...options, ...runs, ...own });
    },
    networks: (policy) => ({ policy }),
  };
}

/** Cameras that a policy does not read, and what LeRobot makes of one that reads the state alone. */
function noteUnread({ features }: Dataset, read: readonly string[]): void {
  const pictures = features.filter(({ kind }) => kind !== 'vector').map(({ name }) => name);
  const unread = pictures.filter((name) => !read.includes(name));
  if (unread.length > 0) printNote(`${unread.join(', ')} are not read: name them with --observations to train an encoder for them.`);
  if (unread.length < pictures.length || features.some(({ name }) => name === 'observation.environment_state')) return;
  printNote(
    'the policy reads observation.state alone; this engine runs it, LeRobot itself asks for pictures or observation.environment_state too.',
  );
}

function factsOf(dataset: Dataset, { adapter }: ComputeDevice, { steps }: Job): (readonly [string, string])[] {
  return [
    ['Data set', `${dataset.name}: ${count(dataset.episodes.length)} episodes, ${count(dataset.frames)} frames, ${dataset.fps} per second`],
    ['Robot', dataset.robot ?? 'not said'],
    ['Steps', count(steps)],
    ['Adapter', adapterName({ adapter })],
  ];
}

/** HEIGHTxWIDTH. */
function sidesOption(name: string, text: string | undefined): readonly [number, number] | undefined {
  if (text === undefined) return undefined;
  const [, height, width] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (height === undefined || width === undefined) throw new UsageError(`--${name} must be HEIGHTxWIDTH, e.g. 84x84, found "${text}"`);
  return [Number(height), Number(width)];
}

function networkOf(name: string | undefined): Network {
  const network = NETWORKS.find((candidate) => candidate === name);
  if (network === undefined)
    throw new UsageError(`what is trained must be ${NETWORKS.join(' or ')}, found ${name === undefined ? 'nothing' : `"${name}"`}`);
  return network;
}

function refuseForeign(network: Network, values: Values): void {
  const other = network === 'predictor' ? 'policy' : 'predictor';
  const foreign = OWN[other].find((name) => values[name] !== undefined);
  if (foreign !== undefined) throw new UsageError(`--${foreign} is an option of \`warmstep train ${other}\``);
}

/** A run that is there is neither written over nor taken for granted. */
async function checkResume(storage: RunStorage, output: string, resume: boolean): Promise<void> {
  const isThere = await hasState(storage);
  if (isThere && !resume)
    throw new OptionError(`${output} holds a training run: give --resume to go on with it, or another --output folder.`);
  if (!isThere && resume)
    throw new OptionError(
      `${output}: expected a training run to go on with, found none: leave --resume out, or give the folder of the run.`,
    );
}
