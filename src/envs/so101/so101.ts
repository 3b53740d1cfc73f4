import { OptionError } from '../../foundation/errors.js';
import { checkInteger, checkMethods } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import type { Environment, EnvironmentStep } from '../environment.js';
import type { MujocoModule } from '../mujoco/module.js';
import { LARGEST_SEED } from '../mujoco/random.js';
import { rotatedBack } from '../mujoco/rotations.js';
import { So101Body } from './body.js';
import { SO101_GOALS, type So101Goal, type So101TaskName } from './goals.js';
import { observeEnvironment } from './observations.js';
import { checkSo101Options, type So101Options, spellSo101Options } from './options.js';
import { drawPlacement } from './placement.js';
import { clampUnits, fromUnits, sixNumbers, toUnits } from './units.js';

/** A body in the world: metres, rotation row-major [9]. */
export interface Pose {
  readonly position: readonly number[];
  readonly rotation: readonly number[];
}

/** The present. Joint angles are those of the links, rad; what encoders say of them is `readings`, in LeRobot's units. */
export interface So101State {
  /** [6] */
  readonly angles: readonly number[];
  /** [6] */
  readonly readings: readonly number[];
  readonly cube: Pose;
  /** The plate, or the cube below. */
  readonly goal: Pose;
  readonly ticks: number;
}

/** Ticks after which an episode is cut: 20 s. */
export const SO101_MAX_TICKS = 600;
/** Ticks in a row for which the cube has to be where it belongs. */
const HOLD_TICKS = 10;
const SETTLE_TICKS = 15;
/** m/s */
const STILL = 0.01;
/** Of the axis of a cube that is nearest to the vertical: within 11°. */
const UPRIGHT = 0.98;

/**
 * An SO-101 with servos that stick, in front of a cube and what the cube belongs on, at 30 Hz. Equal calls give equal bits.
 * MuJoCo's memory is not collected: `close()` gives it back.
 */
export class So101 implements Environment<So101State> {
  /** As records name it, options included. */
  readonly name: string;
  /** @internal */
  readonly goal: So101Goal;
  /** @internal */
  readonly body: So101Body;
  #ticks = 0;
  #held = 0;

  /**
   * `mujoco`: the module that `startMujoco` starts.
   * @throws OptionError for another task, or options that there are not; EnvironmentLostError where MuJoCo has no memory for another one: `close()` others.
   */
  constructor(mujoco: MujocoModule, task: So101TaskName, options: So101Options = {}) {
    checkMethods('So101', 'mujoco', mujoco, 'the started module of @mujoco/mujoco', ['MjData', 'mj_step']);
    const goal = SO101_GOALS.get(task);
    if (!goal) throw new OptionError(`So101: the task must be ${[...SO101_GOALS.keys()].join(' or ')}, found ${shownValue(task)}.`);
    const checked = checkSo101Options('So101', options);
    this.name = `${task}${spellSo101Options(checked)}`;
    this.goal = goal;
    this.body = new So101Body(mujoco, goal, checked);
  }

  /** Begins the episode of a seed: settled for half a second, the goals of the servos where the arm is. @throws OptionError */
  reset(seed: number): So101State {
    checkInteger('So101.reset', 'seed', seed, 0, LARGEST_SEED);
    this.body.place(drawPlacement(seed, this.goal), seed);
    for (let tick = 0; tick < SETTLE_TICKS; tick++) this.body.tick();
    this.#ticks = 0;
    this.#held = 0;
    return this.state;
  }

  /**
   * Sends six goal positions, in LeRobot's units and clamped to the calibrated range, and waits for a thirtieth of a second. The reward is
   * the share of ten ticks in a row for which the cube was where it belongs, untouched and at rest.
   * @throws OptionError for what are not six finite numbers; SimulationError where the physics diverged.
   */
  step(action: ArrayLike<number>): EnvironmentStep {
    this.body.servos.setGoals(fromUnits(clampUnits(sixNumbers('So101.step', action))));
    this.body.tick();
    this.#ticks++;
    this.#held = this.#isPlaced() ? Math.min(HOLD_TICKS, this.#held + 1) : 0;
    return { reward: this.#held / HOLD_TICKS, success: this.#held === HOLD_TICKS };
  }

  get state(): So101State {
    const { body } = this;
    return {
      angles: body.angles(),
      readings: toUnits(body.readings),
      cube: body.pose(body.cube),
      goal: body.pose(body.target),
      ticks: this.#ticks,
    };
  }

  /** LeRobot's names: `observation.state` (6) and `observation.environment_state` (10). */
  observe(): Record<'observation.state' | 'observation.environment_state', number[]> {
    const { body } = this;
    return {
      'observation.state': toUnits(body.readings),
      'observation.environment_state': observeEnvironment(body.pose(body.cube), body.pose(body.target)),
    };
  }

  /** What a replay keeps: joint angles, then position and quaternion (w, x, y, z) of the cube, then of the goal. */
  snapshot(): readonly number[] {
    return [...this.body.angles(), ...this.body.cubePose(), ...this.body.goalPose()];
  }

  /** Gives MuJoCo's memory back. The environment is of no use after that. */
  close(): void {
    this.body.delete();
  }

  /** Upright, where it belongs, at rest, and in nobody's hand; the last is asked last, since contacts are copied. */
  #isPlaced(): boolean {
    const { body, goal } = this;
    const { position, rotation } = body.pose(body.cube);
    if (!goal.isPlaced(position, body.pose(body.target).position)) return false;
    // How the vertical lies in the cube.
    if (!rotatedBack(rotation, [0, 0, 1]).some((value) => Math.abs(value) > UPRIGHT)) return false;
    return body.cubeSpeed() < STILL && !body.simulation.touches(body.pads, body.cubeGeom);
  }
}
