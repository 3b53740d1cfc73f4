import { OptionError } from '../../foundation/errors.js';
import { checkInteger, checkToggle } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';
import { ARM, GRIPPER, JOINTS } from './arm-table.js';
import { TIMESTEP } from './mjcf.js';
import { COUNT } from './servo.js';
import { So101 } from './so101.js';

/** Steps that are simulated at once at most: ten minutes. */
const MOST_STEPS = 180_000;
/** Of a goal, either way: two turns. */
const MOST_COUNTS = 8192;

/**
 * The six servos of a simulated SO-101, one by one and in counts of their encoders, 0 where the joint's angle is 0: what a `SimulatedArm` of
 * `warmstep/robots` answers from. Whoever holds them drives the arm, in steps of physics in place of ticks; `step` and `reset` of the
 * environment are for somebody else then.
 */
export class So101Motors {
  /** V */
  readonly voltage: number;
  /** Of physics, ms: 10/3. */
  readonly stepMs = 1000 * TIMESTEP;
  /** Ends of each joint's way, counts. */
  readonly ranges: readonly (readonly [low: number, high: number])[] = ARM.map(({ range: [low, high] }) => [
    Math.round(low / COUNT),
    Math.round(high / COUNT),
  ]);
  readonly #environment: So101;

  /** @throws OptionError for what is no `So101`. */
  constructor(environment: So101) {
    if (!(environment instanceof So101)) {
      throw new OptionError(`So101Motors: the environment must be what openSo101 made, found ${shownValue(environment)}.`);
    }
    this.#environment = environment;
    this.voltage = environment.body.servos.parameters.voltage;
  }

  /** What the encoders say, whole counts. [6] */
  readings(): number[] {
    return this.#environment.body.readings.map((angle) => Math.round(angle / COUNT));
  }

  /** Share of its voltage that each motor is driven with, −1 … 1. [6] */
  loads(): number[] {
    return this.#environment.body.loads();
  }

  /** Where a joint is to go, counts. @throws OptionError */
  setGoal(joint: number, counts: number): void {
    this.#environment.body.servos.goals[checkJoint(joint)] = checkInteger(
      'So101Motors.setGoal',
      'counts',
      counts,
      -MOST_COUNTS,
      MOST_COUNTS,
    );
  }

  /** Whether a motor holds its joint, from where that is, or lets it go. @throws OptionError */
  setTorque(joint: number, hasTorque: boolean): void {
    this.#environment.body.servos.setTorque(checkJoint(joint), checkToggle('So101Motors.setTorque', 'hasTorque', hasTorque));
  }

  /** Register P of a position loop. @throws OptionError */
  setProportional(joint: number, p: number): void {
    this.#environment.body.servos.proportional[checkJoint(joint)] = checkInteger('So101Motors.setProportional', 'p', p, 0, 255);
  }

  /** Time goes on by so many steps. @throws OptionError; SimulationError where the physics diverged. */
  advance(steps: number): void {
    this.#environment.body.advance(checkInteger('So101Motors.advance', 'steps', steps, 1, MOST_STEPS));
  }
}

function checkJoint(joint: number): number {
  return checkInteger('So101Motors', `a joint, 0 (${ARM[0]?.name}) … ${GRIPPER} (gripper),`, joint, 0, JOINTS - 1);
}
