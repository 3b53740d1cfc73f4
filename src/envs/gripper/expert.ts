import { OptionError } from '../../foundation/errors.js';
import { checkInteger, checkKeys, checkToggle, keysOf } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import type { ExpertAction } from '../mujoco/demonstration.js';
import { minimumJerk } from '../mujoco/minimum-jerk.js';
import { LARGEST_SEED, seededRandom } from '../mujoco/random.js';
import type { HandTarget } from './expert-phases.js';
import { FloatingGripper } from './gripper.js';
import { hingeRotation, toRotation6d } from './rotation-6d.js';

export interface GripperExpertOptions {
  /** Whether it holds still before it descends, closes, lowers and releases, for 6 to 22 ticks, as people do. Default false. */
  readonly pauses?: boolean;
  /** Of the lengths of its pauses. Default 0. */
  readonly seed?: number;
}

const OPTIONS = keysOf<GripperExpertOptions>({ pauses: true, seed: true });
/** A third of a second to more than a second. */
const PAUSE = { least: 6, range: 17 };

/**
 * Solves the task tick by tick: each action is asked for after the one before was carried out. It sees what no camera does, and moves with
 * minimum jerk.
 * @throws OptionError for options that there are not.
 */
export function gripperExpertActions(
  environment: FloatingGripper,
  options: GripperExpertOptions = {},
): Generator<ExpertAction, void, void> {
  const where = 'gripperExpertActions';
  if (!(environment instanceof FloatingGripper)) {
    throw new OptionError(`${where}: the environment must be one of openGripper, found ${shownValue(environment)}.`);
  }
  checkKeys(where, options, OPTIONS);
  const { pauses = false, seed = 0 } = options;
  checkToggle(where, 'pauses', pauses);
  checkInteger(where, 'seed', seed, 0, LARGEST_SEED);
  return act(environment, pauses, seededRandom(seed + 999));
}

function* act({ goal, body }: FloatingGripper, pauses: boolean, random: () => number): Generator<ExpertAction, void, void> {
  let from = body.hands.map(({ position, hinges: [yaw = 0, pitch = 0, roll = 0] }): HandTarget => {
    return { position, yaw, tilt: [pitch, roll], grip: -1 };
  });
  let last = from.flatMap(actionOf);
  for (const [phase, planned] of goal.phases.entries()) {
    if (pauses && planned.isPaused) {
      const ticks = PAUSE.least + Math.floor(random() * PAUSE.range);
      for (let tick = 0; tick < ticks; tick++) yield { action: last, phase, isPause: true };
    }
    const moving = planned.beside ? [planned, planned.beside] : [planned];
    const phases = from.map((_, hand) => moving.find((one) => (one.hand ?? 0) === hand));
    const to = from.map((target, hand) => phases[hand]?.aim(body, target) ?? target);
    const length = Math.max(...moving.map(({ ticks, hold }) => ticks + hold));
    for (let tick = 1; tick <= length; tick++) {
      last = to.flatMap((target, hand) => actionOf(between(from[hand] as HandTarget, target, tick / (phases[hand]?.ticks ?? 1))));
      yield { action: last, phase, isPause: false };
    }
    from = to;
  }
}

/** With minimum jerk, at a share of the time that it takes. */
function between(from: HandTarget, to: HandTarget, time: number): HandTarget {
  const share = minimumJerk(Math.min(1, time));
  const mix = (begin: number, end: number): number => begin + (end - begin) * share;
  return {
    position: to.position.map((value, i) => mix(from.position[i] as number, value)),
    yaw: mix(from.yaw, to.yaw),
    tilt: [mix(from.tilt[0], to.tilt[0]), mix(from.tilt[1], to.tilt[1])],
    // Fingers are told where to be, not how to get there.
    grip: to.grip,
  };
}

function actionOf({ position, yaw, tilt, grip }: HandTarget): number[] {
  return [...position, ...toRotation6d(hingeRotation([yaw, ...tilt])), grip];
}
