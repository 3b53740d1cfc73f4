import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Dataset, FPS_BOUND } from '../../datasets/dataset.js';
import { OptionError } from '../../foundation/errors.js';
import { folderStorage } from '../../platform/node/folder-storage.js';
import { openDataset } from '../../platform/node/open-dataset.js';
import { outputFolder } from '../../platform/node/output-file.js';
import type { ComputeDevice } from '../../runtime/device.js';
import { checkNeeds, parseCommandLine } from '../../terminal/command-line.js';
import { count } from '../../terminal/format.js';
import { interruptible } from '../../terminal/interrupt.js';
import { atMost, choiceOption, given, positiveOption, profileOption, required, UsageError } from '../../terminal/options.js';
import { print, printJson, printNote } from '../../terminal/output.js';
import { Progress } from '../../terminal/progress.js';
import type { RunHistory } from '../../training/loop/history.js';
import { TRAINED_METHOD_NAMES } from '../../training/loop/methods/kinds.js';
import { hasState, STATE_FILE } from '../../training/loop/run-state.js';
import type { RunStorage } from '../../training/loop/run-storage.js';
import type { TrainOptions } from '../../training/loop/train-options.js';
import type { Command } from '../command.js';
import { LOCK_FILE, lockFolder } from '../folder-lock.js';
import { adapterName, type DeviceChoice, withDevice } from '../load.js';
import { inOptionNames } from '../option-names.js';
import { outputFolderOption } from '../output-options.js';
import { refusePrecious } from '../precious.js';
import { type ClosedLoop, runClosedLoop } from '../train/closed-loop.js';
import {
  cvaeJob,
  type Job,
  methodJob,
  NEEDS,
  NETWORKS,
  type Network,
  OPTION_NAMES,
  OPTIONS,
  OWN,
  policyJob,
  predictorJob,
  type Values,
} from '../train/jobs.js';
import { TRAIN_OPTIONS_HELP } from '../train/options.js';
import { figuresText, Presentation, REPORT_FILE, savedNote } from '../train/presentation.js';

const USAGE = `usage: warmstep train predictor --policy DIR --dataset DIR --output DIR [options]
       warmstep train policy --dataset DIR --output DIR [options]
       warmstep train cvae --policy DIR --dataset DIR --output DIR [options]
       warmstep train METHOD --policy DIR --dataset DIR --output DIR [options]

Trains a STEP predictor for a policy, a diffusion policy, a CVAE that decisions start from, or the network of a compared method (METHOD: ${TRAINED_METHOD_NAMES.join(', ')}) on demonstrations. The result lies in --output, as good as it is by then, from
the first checkpoint on: a predictor's folder, or a LeRobot checkpoint. report.html shows the run while it goes on. Ctrl-C saves it;
--resume goes on with the same bits.

${TRAIN_OPTIONS_HELP}

of a predictor (default: 5,000 steps, preset step):
  --policy DIR         the policy that it is for, or hf:OWNER/NAME; with pictures, the predictor reads the features that the policy's
                       encoder makes, or
  --image-encoder E    small_conv: an encoder of its own, trained with it, as the image predictors of STEP's release have one: whole
                       pictures as bytes / 255, vectors in raw units; --embed-dim N: features of a picture (default 128),
                       --obs-dim N: values of an observation token (default 128), --image-keys LIST, --state-keys LIST: what it reads
                       (default: all, sorted by name)
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
  --mask-padding       leaves actions beyond the end of an episode out of the loss
  --statistics S       what numbers are normalised by: stored (default), as the data set says, which its rows must not contradict; or computed,
                       from the rows that are there
  --initial DIR        goes on from the weights of a LeRobot checkpoint, or hf:OWNER/NAME, which says sizes, observations, crop, what
                       is predicted, modes of normalisation and statistics of pictures; those of vectors are the data set's
  --backbone FILE      cameras begin with a torchvision ResNet's weights, such as ImageNet's: safetensors with its names (conv1.weight, …); batch
                       norms and an encoder for each camera, as LeRobot has it beside pretrained weights
  --batch-norm B       what batch norms normalise by: batch (default), as LeRobot trains, which moves the running statistics, or running

of a method (docs/methods.md; default: its own recipe as preset and steps):
  --policy DIR         the policy that it is loaded beside: its observations, statistics and sizes; OneDP's teacher
  --teacher DIR        of consistency: the folder that consistency-teacher was trained into
  --down-dims LIST, --horizon N, --action-steps N
                       in place of the policy's, where the method has a network of its own from scratch
  --dropout X          of consistency: in the blocks of the student, of consistency-teacher: in its middle ones (default 0.2)
  --variant V          of onedp: stochastic (default) or deterministic
  --hidden-dim N       of no-diffusion: width of its heads (default 256)
  --prior DIR          of bridger: the folder of a CVAE whose chunks it starts from (default: noise)
  --interpolant NAME   of bridger: linear, power3 (default), power4 or reverse_power3

of a CVAE (default: 10,000 steps, the release's preset, step or bridger-cvae):
  --policy DIR         the policy whose observations and statistics it shares
  --release R          whose: step (default), the warm start that STEP's paper calls BRIDGER, or bridger, the prior of BRIDGER's release
  --latent-dim N, --hidden-dim N, --hidden-layers N
                       sizes (default: the release's)
  --projection-dim N   of release step: values that a layer in front makes of all frames (obs_projection; default: none)
  --image-encoder E    of release step: small_conv, as of a predictor, with --embed-dim, --image-keys, --state-keys; --projection-dim is then
                       embed-dim × frames unless told otherwise
  --dropout X          inside the network (default 0.1; bridger has none)`;

export const trainCommand: Command = {
  name: 'train',
  summary: 'Train a STEP predictor, a policy, a CVAE or the network of a compared method on demonstrations.',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseCommandLine(args, OPTIONS);
    atMost(positionals, 1);
    const network = networkOf(positionals[0]);
    refuseForeign(network, values);
    checkNeeds<typeof OPTIONS>(values, NEEDS);
    const fps = positiveOption('fps', values.fps, FPS_BOUND);
    const statistics = choiceOption('statistics', values.statistics, ['stored', 'computed']);
    const choice = { adapter: values.adapter, profile: profileOption(values.profile) };
    const job = await inOptionNames(OPTION_NAMES, () => jobOf(network, values));
    const folder = required('dataset', values.dataset);
    const place = required('output', values.output);
    await inOptionNames(OPTION_NAMES, () => job.check());
    const own = { own: [STATE_FILE, `training/${LOCK_FILE}`] };
    refusePrecious('output', place, own);
    checkResume(place, values.resume === true);
    // A policy, or a data set, that is none, or does not fit, leaves no empty folder behind.
    const dataset = await openDataset(folder, given({ fps, statistics }));
    try {
      for (const warning of dataset.warnings) printNote(warning);
      await inOptionNames(OPTION_NAMES, () => job.checkDataset?.(dataset));
      const output = await outputFolderOption('output', place, [REPORT_FILE], own);
      const lock = lockFolder(await outputFolder(`${output}/training`), 'training');
      try {
        // Another run may have begun there meanwhile, and ended.
        checkResume(place, values.resume === true);
        const storage = await folderStorage(output);
        return await inOptionNames(OPTION_NAMES, () => run(job, dataset, storage, output, choice, values.json === true));
      } finally {
        lock.release();
      }
    } finally {
      await dataset.close();
    }
  },
};

async function run(job: Job, dataset: Dataset, storage: RunStorage, output: string, choice: DeviceChoice, json: boolean): Promise<number> {
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
        present(output, history, json);
        return 0;
      } catch (error) {
        progress.done();
        // A page that cannot be written is not why the run ended.
        if (told) await presentation.end(told).catch(() => {});
        const note = savedNote(error, output);
        // Nor is a state that cannot be looked at.
        if (note !== undefined && (await hasState(storage).catch(() => false))) printNote(note);
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

function factsOf(dataset: Dataset, { adapter }: ComputeDevice, { steps }: Job): (readonly [string, string])[] {
  return [
    ['Data set', `${dataset.name}: ${count(dataset.episodes.length)} episodes, ${count(dataset.frames)} frames, ${dataset.fps} per second`],
    ['Robot', dataset.robot ?? 'not said'],
    ['Steps', count(steps)],
    ['Adapter', adapterName({ adapter })],
  ];
}

function networkOf(name: string | undefined): Network {
  const network = NETWORKS.find((candidate) => candidate === name);
  if (network === undefined)
    throw new UsageError(`what is trained must be one of ${NETWORKS.join(', ')}, found ${name === undefined ? 'nothing' : `"${name}"`}`);
  return network;
}

function jobOf(network: Network, values: Values): Job {
  if (network === 'predictor') return predictorJob(values);
  if (network === 'cvae') return cvaeJob(values);
  return network === 'policy' ? policyJob(values) : methodJob(network, values);
}

function refuseForeign(network: Network, values: Values): void {
  for (const other of NETWORKS) {
    const foreign = OWN[other].find((name) => values[name] !== undefined && !OWN[network].includes(name));
    if (foreign !== undefined) throw new UsageError(`--${foreign} is an option of \`warmstep train ${other}\``);
  }
}

/** A run that is there is neither written over nor taken for granted. */
function checkResume(output: string, resume: boolean): void {
  const isThere = existsSync(join(output, STATE_FILE));
  if (isThere && !resume)
    throw new OptionError(`${output} holds a training run: give --resume to go on with it, or another --output folder.`);
  if (!isThere && resume)
    throw new OptionError(
      `${output}: expected a training run to go on with, found none: leave --resume out, or give the folder of the run.`,
    );
}
