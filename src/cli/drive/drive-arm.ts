import type { CameraOptions } from '../../platform/node/camera.js';
import type { SoFollower } from '../../robots/so-follower.js';
import type { ArmUnits } from '../../robots/units.js';
import { print, printError, printJson, printNote } from '../../terminal/output.js';
import { summarizeLatencies } from '../latency.js';
import { adapterName } from '../load.js';
import type { NamedPolicy } from '../serve/served-policy.js';
import type { FoundCalibration } from './calibration-file.js';
import { withCameras } from './cameras.js';
import { confirmed } from './confirm.js';
import { withArm } from './open-arm.js';
import { armTable, farJoints, sessionLine, sessionTable } from './report.js';
import { runSession, type SessionResult } from './session.js';
import type { TrainedRanges } from './trained-ranges.js';

/** What the command line says, checked. */
export interface DriveSettings {
  readonly port: string;
  readonly found: FoundCalibration;
  readonly units: ArmUnits;
  readonly ranges: TrainedRanges | undefined;
  readonly maxRelativeTarget: number;
  readonly fps: number;
  readonly moves: boolean;
  readonly isConfirmed: boolean;
  readonly atEnd: 'relax' | 'hold';
  readonly seconds: number;
  readonly cameras: readonly CameraOptions[];
  readonly json: boolean;
}

/** Looks at the arm, loads the policy, asks, drives. Returns the exit code. @throws what fails before the arm moves. */
export async function driveArm(named: NamedPolicy, settings: DriveSettings, signal: AbortSignal): Promise<number> {
  const { port, found, units, ranges, maxRelativeTarget, moves, json } = settings;
  const options = { calibration: found.calibration, units, maxRelativeTarget };
  return withArm(port, options, async (arm, bus) => {
    const state = await arm.inspect();
    if (!json) print(`arm on ${port}, calibration ${found.file}\n\n${armTable(state, units, ranges)}\n`);
    for (const difference of state.differences) printNote(`${difference}: this is another arm's file, or the arm was calibrated anew.`);
    for (const far of farJoints(state, ranges)) printNote(`${far}. Are the units right, and the calibration this arm's?`);
    if (moves && state.differences.length > 0) {
      printError(
        "the calibration is not what the servos hold: nothing was moved. Give this arm's file, or calibrate it again with LeRobot.",
      );
      return 1;
    }
    return withCameras(settings.cameras, async (pictures) => {
      const policy = await named.load(signal);
      try {
        await policy.warmup();
        if (!json) print(`policy ${policy.info.name}, ${policy.info.strategy}, on ${adapterName(policy.info)}`);
        if (moves && !settings.isConfirmed && !(await confirmed(question(settings), signal))) {
          printError('not confirmed: nothing was moved.');
          return 1;
        }
        signal.throwIfAborted();
        const session = await held(arm, settings, () => runSession(policy, arm, { ...settings, pictures }, signal), signal);
        const { end, isDone } = session;
        if (json) printJson({ ...summary(session), moves, port, calibration: found.file, units, arm: state, bus: bus.quality });
        else print(`\n${sessionTable(state, session, maxRelativeTarget)}\n\n${sessionLine(session, moves)}`);
        if (!isDone) printError(end.reason.message);
        const isStuck = moves && end.torque === 'unknown';
        if (isStuck) {
          printError(
            `the torque could not be taken off: ${String((end.relaxError as Error).message)} The servos hold their last goal: switch the supply off.`,
          );
        }
        if (!moves) printNote('this was a dry run: nothing was sent. --move lets the policy move the arm.');
        return isDone && !isStuck ? 0 : 1;
      } finally {
        await policy.dispose();
      }
    });
  });
}

/** With torque for the time of a session, where it moves; what fails before the drive itself sees to it lets go as well. */
async function held(
  arm: SoFollower,
  { moves }: DriveSettings,
  session: () => Promise<SessionResult>,
  signal: AbortSignal,
): Promise<SessionResult> {
  if (!moves) return session();
  try {
    await arm.connect();
    signal.throwIfAborted();
    await arm.enableTorque();
    return await session();
  } catch (error) {
    await arm.relax().catch((failure: unknown) => printError(`the torque could not be taken off: ${(failure as Error).message}`));
    throw error;
  }
}

function question({ port, seconds, atEnd, maxRelativeTarget, units, fps }: DriveSettings): string {
  const often = `${fps} times a second, by at most ${maxRelativeTarget} ${units === 'degrees' ? 'degrees' : 'of ±100'} from where it is`;
  const end = atEnd === 'relax' ? 'at the end it is limp, and sinks' : 'at the end it holds its pose';
  return [
    `The arm on ${port} is set up, for which it goes limp: support it. Then it takes hold of its pose, and the policy moves it ${often}, ` +
      `${seconds === Infinity ? 'until Ctrl-C' : `for ${seconds} s`}; ${end}.`,
    'Keep a hand on the switch of its supply. Type "yes" to begin:',
  ].join('\n');
}

function summary({ end, isDone, latencies, goals, steps, first, actions, lateTicks, failures }: SessionResult): object {
  return {
    done: isDone,
    reason: end.reason.message,
    torque: end.torque,
    decisions: latencies.length,
    latencyMs: summarizeLatencies(latencies),
    actions,
    lateTicks,
    failures,
    first,
    goals: first === undefined ? undefined : goals,
    largestSteps: steps,
  };
}
