import { LARGEST_SEED } from '../../envs/mujoco/random.js';
import { SO101_TASKS } from '../../envs/so101/goals.js';
import { parseSo101Options } from '../../envs/so101/options.js';
import { parseCommandLine } from '../../terminal/command-line.js';
import { interruptible } from '../../terminal/interrupt.js';
import { atMost, integerOption, UsageError } from '../../terminal/options.js';
import type { Command } from '../command.js';
import { outputFolderOption } from '../output-options.js';
import { CALIBRATION, simulateArm } from '../simulate/simulate-arm.js';
import { checkMujoco } from '../simulation/mujoco.js';

const FOLDER = 'simulated-so101';
const USAGE = `usage: warmstep simulate so101 [options]

Puts a simulated SO-101 behind a serial port, in real time: six servos that answer Feetech's protocol, in MuJoCo. warmstep drive, and whatever else drives
such an arm, finds it there:

  warmstep simulate so101
  warmstep drive so101 --port ${FOLDER}/port --calibration ${FOLDER}/${CALIBRATION} --policy DIR --units U

The arm begins limp. Servos do what real ones do when a program is killed: they hold their last goal. Needs the package @mujoco/mujoco, the program socat,
and Linux or macOS.

  --task TASK      what stands in front of it: ${SO101_TASKS.join(' or ')}; options of the servos behind slashes, as for
                   warmstep eval: so101-pick-place/voltage=7.4/backlash=0.87 (default ${SO101_TASKS[0]}). Register P is what is written to the servos
  --seed N         where things lie (default 0)
  --folder DIR     where port and ${CALIBRATION} go (default ${FOLDER})
  --seconds N      how long (default: until Ctrl-C)`;

const OPTIONS = {
  task: { type: 'string' },
  seed: { type: 'string' },
  folder: { type: 'string' },
  seconds: { type: 'string' },
} as const;

export const simulateCommand: Command = {
  name: 'simulate',
  summary: 'Put a simulated SO-101 arm behind a serial port, to be driven without hardware.',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseCommandLine(args, OPTIONS);
    atMost(positionals, 1);
    const [robot] = positionals;
    if (robot !== 'so101') throw new UsageError(`say what to simulate, so101${robot === undefined ? '' : `: found "${robot}"`}`);
    const [name = '', ...spelled] = (values.task ?? SO101_TASKS[0]).split('/');
    const task = SO101_TASKS.find((one) => one === name);
    if (!task) throw new UsageError(`--task must be ${SO101_TASKS.join(' or ')}, found "${name}"`);
    const options = parseSo101Options(name, spelled);
    const seed = integerOption('seed', values.seed, 0, LARGEST_SEED) ?? 0;
    const seconds = integerOption('seconds', values.seconds, 1, 1e9) ?? Infinity;
    checkMujoco(task);
    const folder = await outputFolderOption('folder', values.folder ?? FOLDER, [CALIBRATION]);
    return interruptible((signal) => simulateArm({ task, options, seed, folder, seconds }, signal), ['SIGINT', 'SIGTERM', 'SIGHUP']);
  },
};
