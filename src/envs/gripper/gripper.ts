import { OptionError } from '../../foundation/errors.js';
import { checkInteger, checkMethods } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import type { Environment, EnvironmentStep } from '../environment.js';
import type { MujocoModule } from '../mujoco/module.js';
import { LARGEST_SEED, seededRandom } from '../mujoco/random.js';
import { setPointsOf } from './action.js';
import { GripperBody } from './body.js';
import type { GripperGoal, GripperTaskName } from './goal.js';
import { GRIPPER_GOALS } from './goals/index.js';
import { ONE_HAND } from './hand.js';
import { observeHands, observeThings } from './observations.js';
import type { GripperPose } from './world.js';

/** A hand as it is: the pose of what is between its finger tips. */
export interface GripperHand extends GripperPose {
  /** How far each finger is open, m. [2] */
  readonly fingers: readonly number[];
}

/** The present. */
export interface GripperState {
  /** Between the finger tips; of the first hand. */
  readonly hand: GripperPose;
  /** How far each of its fingers is open, m. [2] */
  readonly fingers: readonly number[];
  /** All hands: one, or the two of `transport`. */
  readonly hands: readonly GripperHand[];
  /** What can be moved, in the task's order. */
  readonly things: readonly GripperPose[];
  readonly ticks: number;
}

/** Ticks after which an episode is cut: 20 s, as in Diffusion Policy's evaluations; there `transport` and `tool-hang` have 700. */
export const GRIPPER_MAX_TICKS = 400;
const SETTLE_TICKS = 4;
/** How far a hand may be from its home when an episode begins, m. */
const HOME_SPREAD = 0.02;
/**
 * Of each hinge, rad. Without it the tilt of the hand would be the same in all demonstrations but for its noise, and a policy that scales what it
 * reads by smallest and largest would scale that noise.
 */
const TILT_SPREAD = 0.1;

/**
 * A floating gripper at 20 Hz, in a task in the manner of RoboMimic or ManiSkill. Equal calls give equal bits.
 * MuJoCo's memory is not collected: `close()` gives it back.
 */
export class FloatingGripper implements Environment<GripperState> {
  readonly name: GripperTaskName;
  /** @internal */
  readonly goal: GripperGoal;
  /** @internal */
  readonly body: GripperBody;
  #ticks = 0;

  /**
   * `mujoco`: the module that `startMujoco` starts.
   * @throws OptionError for another task or module; EnvironmentLostError where MuJoCo has no memory for another one: `close()` others.
   */
  constructor(mujoco: MujocoModule, task: GripperTaskName) {
    checkMethods('FloatingGripper', 'mujoco', mujoco, 'the started module of @mujoco/mujoco', ['MjData', 'mj_step']);
    this.goal = gripperGoal('FloatingGripper', task);
    this.name = this.goal.task;
    this.body = new GripperBody(mujoco, this.goal);
  }

  /** Begins the episode of a seed: things drawn and settled for a fifth of a second, the hands open above them. @throws OptionError */
  reset(seed: number): GripperState {
    checkInteger('FloatingGripper.reset', 'seed', seed, 0, LARGEST_SEED);
    const random = seededRandom(seed * 7919 + 13);
    const uniform = (low: number, high: number): number => low + (high - low) * random();
    const starts = this.goal.place(uniform);
    const hands = (this.goal.hands ?? ONE_HAND).map(({ home }) => ({
      slides: home.map((value) => value + uniform(-HOME_SPREAD, HOME_SPREAD)),
      hinges: [0, 0, 0].map(() => uniform(-TILT_SPREAD, TILT_SPREAD)),
    }));
    this.body.place(starts, hands);
    for (let tick = 0; tick < SETTLE_TICKS; tick++) this.body.tick();
    this.#ticks = 0;
    return this.state;
  }

  /**
   * Sends an absolute action, ten numbers for each hand: position in m (3), clamped to the workspace; rotation (6), the first two rows of its
   * matrix, made orthonormal; gripper, −1 (open) … 1 (closed); and waits for a twentieth of a second. The reward is 1 where the task is solved,
   * else 0.
   * @throws OptionError for what are not ten finite numbers a hand, or six that are no rotation; SimulationError where the physics diverged.
   */
  step(action: ArrayLike<number>): EnvironmentStep {
    const { body, goal } = this;
    body.tick(setPointsOf('FloatingGripper.step', action, body.hands));
    this.#ticks++;
    const success = goal.isSolved(body);
    return { reward: Number(success), success };
  }

  get state(): GripperState {
    const { things } = this.body;
    const hands = this.body.hands.map(({ position, rotation, fingers }) => ({ position, rotation, fingers }));
    const { fingers, ...hand } = hands[0] as GripperHand;
    return { hand, fingers, hands, things, ticks: this.#ticks };
  }

  /** LeRobot's names: `observation.state` (11 for each hand) and `observation.environment_state` (by the task). */
  observe(): Record<'observation.state' | 'observation.environment_state', number[]> {
    const { body, goal } = this;
    return { 'observation.state': observeHands(body.hands), 'observation.environment_state': observeThings(goal, body) };
  }

  /** What a replay keeps: position and quaternion (w, x, y, z) of each hand, its fingers, then the poses of the things. */
  snapshot(): readonly number[] {
    return this.body.poses();
  }

  /** Gives MuJoCo's memory back. The environment is of no use after that. */
  close(): void {
    this.body.delete();
  }
}

/** @throws OptionError for another task. */
export function gripperGoal(where: string, task: GripperTaskName): GripperGoal {
  const goal = GRIPPER_GOALS.get(task);
  if (!goal) throw new OptionError(`${where}: the task must be ${[...GRIPPER_GOALS.keys()].join(', ')}, found ${shownValue(task)}.`);
  return goal;
}
