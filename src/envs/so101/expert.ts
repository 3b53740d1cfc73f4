import { OptionError } from '../../foundation/errors.js';
import { checkInteger, checkKeys, checkToggle, keysOf } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import type { ExpertAction } from '../mujoco/demonstration.js';
import { minimumJerk } from '../mujoco/minimum-jerk.js';
import { LARGEST_SEED, seededRandom } from '../mujoco/random.js';
import { difference, rotatedBack, type Vector, wrapped, yawOf } from '../mujoco/rotations.js';
import { ARM, type ArmJoint, CUBE_HALF, GRASP, GRIPPER, HOME } from './arm-table.js';
import { handPoint, solveReach } from './kinematics.js';
import { So101 } from './so101.js';
import { clampAngle, toUnits } from './units.js';

export interface ExpertOptions {
  /** Whether it holds still before it descends, closes, lowers and releases, for 10 to 34 ticks, as people do. Default false. */
  readonly pauses?: boolean;
  /** Of the lengths of its pauses. Default 0. */
  readonly seed?: number;
}

/** Its phases, in order. */
export const EXPERT_PHASES = ['hover', 'descend', 'close', 'lift', 'transport', 'lower', 'release', 'back up', 'home'] as const;

/** Desired angles of all six joints, after `ticks` of motion and `hold` of waiting. */
interface Segment {
  readonly angles: readonly number[];
  readonly ticks: number;
  readonly hold: number;
}

/** What one phase leaves for the next ones. */
interface Memory {
  readonly pick: Vector;
  readonly yaw: number;
  readonly grasp: readonly number[];
  readonly place?: { readonly hover: readonly number[]; readonly down: readonly number[] };
}

const OPTIONS = keysOf<ExpertOptions>({ pauses: true, seed: true });
const OPEN = 0.75;
/** Beyond the cube's faces: about 12 N. */
const CLOSED = 0.06;
const RELEASED = 0.7 * OPEN;
/** The hand is shifted by this, so that the fixed pad clears the cube. */
const CLEARANCE = 0.005;
const GRASP_POINT: Vector = [GRASP[0], GRASP[1], GRASP[2] + CLEARANCE];
const PAUSED_PHASES = [1, 2, 5, 6];
const PAUSE = { least: 10, range: 25 };
/** rad: of the pre-load against gravity, and of the push where the arm lags. */
const MOST_ADDED = 0.15;
const WRIST_LIMIT = 1.6;
const [PAN_AXIS] = (ARM[0] as ArmJoint).offset;
const PITCH = { steepest: Math.PI / 2, flattest: 0.7, step: 0.04 };

/**
 * Brings the cube where it belongs, tick by tick: each action is asked for after the one before was carried out. It sees what no camera
 * does, and commands as a person at a leader arm would: against the sag of the servos, and harder where the arm lags.
 * @throws OptionError for options that there are not; while it runs, where cube or goal are out of reach.
 */
export function expertActions(environment: So101, options: ExpertOptions = {}): Generator<ExpertAction, void, void> {
  const where = 'expertActions';
  if (!(environment instanceof So101)) {
    throw new OptionError(`${where}: the environment must be one of openSo101, found ${shownValue(environment)}.`);
  }
  checkKeys(where, options, OPTIONS);
  const { pauses = false, seed = 0 } = options;
  checkToggle(where, 'pauses', pauses);
  checkInteger(where, 'seed', seed, 0, LARGEST_SEED);
  return act(environment, pauses, seededRandom(seed + 999));
}

function* act(environment: So101, pauses: boolean, random: () => number): Generator<ExpertAction, void, void> {
  let from: readonly number[] = environment.body.angles();
  let last: readonly number[] | undefined;
  let memory: Memory | undefined;
  for (let phase = 0; ; phase++) {
    if (pauses && last && PAUSED_PHASES.includes(phase)) {
      const ticks = PAUSE.least + Math.floor(random() * PAUSE.range);
      for (let tick = 0; tick < ticks; tick++) yield { action: last, phase, isPause: true };
    }
    const planned = plan(environment, phase, memory);
    if (!planned) return;
    memory = planned.memory;
    const { angles, ticks, hold } = planned.segment;
    for (let tick = 1; tick <= ticks + hold; tick++) {
      const share = minimumJerk(Math.min(1, tick / ticks));
      const begin = from;
      const desired = angles.map((angle, joint) => (begin[joint] as number) + (angle - (begin[joint] as number)) * share);
      last = toUnits(commanded(environment, desired));
      yield { action: last, phase, isPause: false };
    }
    from = angles;
  }
}

/** Goals, rad, that bring the arm to desired angles in spite of gravity and friction. */
function commanded({ body }: So101, desired: readonly number[]): number[] {
  const { bias } = body.simulation.views;
  const limited = (angle: number): number => Math.max(-MOST_ADDED, Math.min(MOST_ADDED, angle));
  return desired.map((angle, joint) => {
    if (joint === GRIPPER) return clampAngle(angle, joint);
    const sag = limited((bias[body.joints[joint]?.velocity as number] as number) / body.servos.stiffness);
    return clampAngle(angle + sag + limited(angle - body.angle(joint)), joint);
  });
}

/** Segment of a phase; undefined after the last. */
function plan(environment: So101, phase: number, known: Memory | undefined): { segment: Segment; memory: Memory } | undefined {
  const { body, goal } = environment;
  const to = (
    arm: readonly number[] | undefined,
    jaw: number,
    ticks: number,
    hold: number,
    memory: Memory,
  ): { segment: Segment; memory: Memory } => ({ segment: { angles: [...(arm as readonly number[]), jaw], ticks, hold }, memory });
  const cube = body.pose(body.cube);
  if (phase === 0 || !known) {
    const [x, y] = cube.position as [number, number, number];
    const yaw = wrapped(yawOf(cube.rotation), Math.PI / 2);
    const [hover, grasp] = reach(
      [
        [x, y, goal.hover],
        [x, y, CUBE_HALF + 0.001],
      ],
      yaw,
      GRASP_POINT,
    );
    return to(hover, OPEN, 45, 10, { pick: [x, y], yaw, grasp: grasp as readonly number[] });
  }
  switch (phase) {
    case 1:
      return to(known.grasp, OPEN, 28, 8, known);
    case 2:
      return to(known.grasp, CLOSED, 10, 10, known);
    case 3: {
      const [up] = reach([[...known.pick, goal.hover + 0.01]], known.yaw, GRASP_POINT);
      return to(up, CLOSED, 25, 0, known);
    }
    case 4: {
      const place = reachGoal(environment, cube);
      const turn = Math.abs((place.hover[0] as number) - body.angle(0));
      return to(place.hover, CLOSED, 30 + Math.round(25 * turn), 6, { ...known, place });
    }
    case 5:
      return to(known.place?.down, CLOSED, 26, 10, known);
    case 6:
      return to(known.place?.down, RELEASED, 10, 5, known);
    case 7:
      return to(known.place?.hover, RELEASED, 22, 0, known);
    case 8:
      return to(HOME.slice(0, GRIPPER), HOME[GRIPPER] as number, 35, 0, known);
    default:
      return undefined;
  }
}

/** Over the goal, and down, with the cube where it really lies in the hand. */
function reachGoal({ body, goal }: So101, cube: { readonly position: Vector }): Required<Memory>['place'] {
  const target = body.pose(body.target);
  const hand = body.pose(body.hand);
  const inHand = rotatedBack(hand.rotation, difference(cube.position, handPoint(body.angles(), [0, 0, 0])));
  const [x, y] = target.position as [number, number, number];
  const yaw = goal.isAligned ? wrapped(yawOf(target.rotation), Math.PI / 2) : null;
  const [hover, down] = reach(
    [
      [x, y, goal.top + goal.hover],
      [x, y, goal.top + CUBE_HALF + 0.003],
    ],
    yaw,
    inHand,
  );
  return { hover: hover as readonly number[], down: down as readonly number[] };
}

/**
 * Angles of the five arm joints that bring a point of the hand to each of these, with one pitch: the steepest at which all can be reached.
 * `yaw`: the direction that the pads close along; null for any. @throws OptionError where there is none.
 */
function reach(points: readonly Vector[], yaw: number | null, local: Vector): (readonly number[])[] {
  for (let pitch = PITCH.steepest; pitch > PITCH.flattest; pitch -= PITCH.step) {
    const found = points.map((point) => {
      const pan = -Math.atan2(point[1] as number, (point[0] as number) - PAN_AXIS);
      const roll = yaw === null ? 0 : wrapped(yaw + pan, Math.PI / 2);
      return solveReach(point, pitch, roll, local, [0, 0.1, 0, 1.4, 0]);
    });
    if (found.every(({ angles, error, isWithinRange }) => isWithinRange && error < 1e-6 && (angles[3] as number) < WRIST_LIMIT))
      return found.map(({ angles }) => angles);
  }
  const where = points.map((point) => `(${point.map((value) => value.toFixed(3)).join(', ')})`).join(' and ');
  throw new OptionError(`the expert cannot reach ${where} m with the hand pointing down: reset to another seed.`);
}
