import { jointsOf } from '../../robots/arm-drive.js';
import { observationInfo } from '../../spec/policy-spec.js';
import { STRATEGY_SPEC_HELP } from '../../strategies/parse.js';
import { parseCommandLine } from '../../terminal/command-line.js';
import { interruptible } from '../../terminal/interrupt.js';
import { atMost, choiceOption, given, numberOption, required, UsageError } from '../../terminal/options.js';
import type { Command } from '../command.js';
import { findCalibration } from '../drive/calibration-file.js';
import { cameraOptions } from '../drive/cameras.js';
import { driveArm } from '../drive/drive-arm.js';
import { checkUnits, trainedRanges } from '../drive/trained-ranges.js';
import { namedPolicy, POLICY_OPTIONS } from '../serve/served-policy.js';

const USAGE = `usage: warmstep drive so101 --port PORT --policy DIR --units U (--id NAME | --calibration FILE) [options]

Lets a policy drive an SO-100 or SO-101 follower arm. Without --move it is a dry run: the arm is read and decided for, what would be sent is shown,
and nothing is written to the servos. Tested on a simulated bus alone: keep a hand on the switch of the supply. Needs the package serialport.

  --port PORT          serial port of the arm: /dev/ttyACM0, COM3
  --policy DIR         checkpoint folder, or hf:OWNER/NAME[@REVISION][/FOLDER] on the Hugging Face Hub
  --id NAME            the arm's name, as LeRobot's --robot.id: its calibration is read where LeRobot keeps it
  --calibration FILE   the calibration file itself
  --units U            what the policy's joint values are: degrees (LeRobot's usual since 2026), or range (−100 … 100, before). The wrong ones move the
                       arm violently
  --camera NAME=SOURCE[@WIDTHxHEIGHT]   where pictures of one of the policy's cameras come from: a device, an address, or a video file; read by ffmpeg.
                       For each camera once
  --fps N              actions per second, at which the policy was trained (default 30)
  --max-relative N     how far a goal may lie from where a joint is, in its units: farther ones are brought nearer (default 5)
  --seconds N          how long (default: 5 in a dry run; with --move until Ctrl-C)

  --move               moves the arm, after a question
  --yes                answers it
  --at-end E           with --move: relax (default): takes the torque off, so that the arm sinks; hold: leaves it on

  --predictor DIR      STEP predictor folder, or "shift"
  --network DIR        network of a method that the strategy needs; may be repeated
  --strategy SPEC      how decisions are sampled; see below. Default: STEP with a predictor, else the checkpoint's scheduler
  --seed N             seed of the noise (default 0)
  --precision P        storage of the weights: f32 (default), f16, int8 or auto
  --adapter NAME       auto, hardware, swiftshader, lavapipe, or part of an adapter's name
  --profile P          safe (default), or fast: Dawn without validation and bounds checks; same results
  --json               one JSON object on standard output

Ctrl-C, SIGTERM and SIGHUP end it, with --at-end; a second signal ends it at once. A process that is killed outright, or a computer without power, leaves the
servos holding their last goal.

${STRATEGY_SPEC_HELP}`;

const OPTIONS = {
  ...POLICY_OPTIONS,
  port: { type: 'string' },
  id: { type: 'string' },
  calibration: { type: 'string' },
  units: { type: 'string' },
  camera: { type: 'string', multiple: true },
  fps: { type: 'string' },
  'max-relative': { type: 'string' },
  seconds: { type: 'string' },
  move: { type: 'boolean' },
  yes: { type: 'boolean' },
  'at-end': { type: 'string' },
  json: { type: 'boolean' },
} as const;

const DRY_SECONDS = 5;

export const driveCommand: Command = {
  name: 'drive',
  summary: 'Let a policy drive an SO-101 arm; a dry run unless told otherwise.',
  usage: USAGE,
  run: async (args) => {
    const { values, positionals } = parseCommandLine(args, OPTIONS, { yes: ['move'], 'at-end': ['move'] });
    atMost(positionals, 1);
    const [robot] = positionals;
    if (robot !== 'so101' && robot !== 'so100')
      throw new UsageError(`say what to drive, so101${robot === undefined ? '' : `: found "${robot}"`}`);
    const port = required('port', values.port);
    const policy = required('policy', values.policy);
    const units = choiceOption('units', required('units', values.units), ['degrees', 'range'] as const) as 'degrees' | 'range';
    const moves = values.move ?? false;
    const atEnd = choiceOption('at-end', values['at-end'], ['relax', 'hold'] as const) ?? 'relax';
    const fps = numberOption('fps', values.fps, 1, 200) ?? 30;
    const maxRelativeTarget = numberOption('max-relative', values['max-relative'], 0.1, 360) ?? 5;
    const seconds = numberOption('seconds', values.seconds, 0.1, 1e6) ?? (moves ? Infinity : DRY_SECONDS);
    const found = await findCalibration(given({ calibration: values.calibration, id: values.id }));
    const named = await namedPolicy({ ...values, policy });
    const { checkpoint } = named;
    const observations = observationInfo(checkpoint.observations);
    jointsOf({ observations, actionDim: checkpoint.unet.actionDim });
    const ranges = trainedRanges(checkpoint.action);
    checkUnits(units, ranges);
    const cameras = cameraOptions(values.camera ?? [], observations);
    const settings = {
      ...{ port, found, units, ranges, maxRelativeTarget, fps, moves, atEnd, seconds, cameras },
      isConfirmed: values.yes ?? false,
      json: values.json ?? false,
    };
    return interruptible((signal) => driveArm(named, settings, signal), ['SIGINT', 'SIGTERM', 'SIGHUP']);
  },
};
