import { GRIPPER } from './arm-table.js';

/** An encoder has 4096 counts a turn, on the output shaft: rad of one. */
export const COUNT = (2 * Math.PI) / 4096;

/** A Feetech STS3215 as identified on test benches. */
export interface ServoParameters {
  /** V */
  readonly voltage: number;
  /** Torque constant over resistance, N m/V: torque at full duty is this times the voltage. */
  readonly torquePerVolt: number;
  /** Register P of the position loop. */
  readonly proportional: number;
  /** Duty per (P · rad). */
  readonly gain: number;
  /** Duty that is added wherever there is any error: the minimum start-up force. */
  readonly startUp: number;
  /** Counts of error that are taken for none. */
  readonly deadBand: number;
  /** N m */
  readonly stallTorque: number;
  /** rad/s without load. */
  readonly freeSpeed: number;
  /** Reflected inertia of motor and gears, kg m². */
  readonly armature: number;
  /** Friction at a stop and in motion, N m, and per N m of load: constant and Stribeck parts. */
  readonly friction: { readonly base: number; readonly stribeck: number; readonly load: number; readonly loadStribeck: number };
  /** Of the Stribeck curve, rad/s. */
  readonly stribeckSpeed: number;
  readonly stribeckExponent: number;
  /** N m s/rad */
  readonly viscous: number;
  /** Speed at which the goal is followed, rad/s. */
  readonly goalSpeed: number;
  /** Share of the torque that the gripper may use. */
  readonly gripperLimit: number;
}

const FRICTION = { base: 0.0234, stribeck: 0.1199, load: 0.0476, loadStribeck: 0.2975 };
const COMMON = {
  proportional: 16,
  startUp: 0.008,
  deadBand: 1,
  friction: FRICTION,
  stribeckSpeed: 0.0553,
  stribeckExponent: 0.871,
  goalSpeed: 5.2,
  gripperLimit: 0.5,
};

/** The version for 12 V; P is what LeRobot writes at connect. */
export const SERVO_12V: ServoParameters = {
  ...COMMON,
  voltage: 12,
  torquePerVolt: 3.644 / 8.789,
  gain: 0.1649,
  stallTorque: 2.94,
  freeSpeed: 4.71,
  armature: 0.0266,
  viscous: 0.0616,
};

/** The version for 7.4 V. */
export const SERVO_7V: ServoParameters = {
  ...COMMON,
  voltage: 7.4,
  torquePerVolt: 1.2116 / 2.676,
  gain: 0.166,
  stallTorque: 1.91,
  freeSpeed: 5.45,
  armature: 0.0284,
  viscous: 0.0591,
};

/** Position loops of several servos: what their firmware and gears do in one step of physics. */
export class Servos {
  readonly parameters: ServoParameters;
  /** N m at full duty. */
  readonly fullTorque: number;
  /** Of the joint, N m s/rad: back-EMF and viscous friction, the slope from stall to free speed. */
  readonly damping: number;
  /** N m per rad of error. */
  readonly stiffness: number;
  /** Goals in counts, and where the firmware's ramp is on its way to them. */
  readonly goals: Float64Array;
  readonly references: Float64Array;
  /** Register P of each position loop; at a reset that of the parameters. */
  readonly proportional: Float64Array;
  readonly #hasTorque: boolean[];
  readonly #backEmf: number;
  readonly #limits: Float64Array;

  /** `gripper`: which of them has a limited torque; −1 for none. */
  constructor(parameters: ServoParameters, count: number, gripper: number = GRIPPER) {
    this.parameters = parameters;
    this.fullTorque = parameters.torquePerVolt * parameters.voltage;
    this.damping = this.fullTorque / parameters.freeSpeed;
    this.stiffness = this.fullTorque * parameters.proportional * parameters.gain;
    this.goals = new Float64Array(count);
    this.references = new Float64Array(count);
    this.proportional = new Float64Array(count).fill(parameters.proportional);
    this.#hasTorque = new Array<boolean>(count).fill(true);
    this.#backEmf = this.damping - parameters.viscous;
    const duty = Math.min(1, parameters.stallTorque / this.fullTorque);
    this.#limits = Float64Array.from({ length: count }, (_, joint) => (joint === gripper ? parameters.gripperLimit : 1) * duty);
  }

  /** At rest at these angles, which become the goals, with torque. */
  reset(angles: readonly number[]): void {
    this.setGoals(angles);
    this.references.set(this.goals);
    this.proportional.fill(this.parameters.proportional);
    this.#hasTorque.fill(true);
  }

  /** Takes hold, from where the joint is, or lets go: the bridge opens, and the motor neither drives nor brakes. */
  setTorque(joint: number, hasTorque: boolean): void {
    this.#hasTorque[joint] = hasTorque;
  }

  hasTorque(joint: number): boolean {
    return this.#hasTorque[joint] === true;
  }

  /** New goals, rad. */
  setGoals(angles: readonly number[]): void {
    for (const [joint, angle] of angles.entries()) this.goals[joint] = Math.round(angle / COUNT);
  }

  /**
   * Torque of a joint that was let go: what takes the back-EMF out of the joint's damping again, since no current flows. The ramp stays
   * where the joint is. `reading` in counts, `velocity` in rad/s.
   */
  coast(joint: number, reading: number, velocity: number): number {
    this.references[joint] = reading;
    return this.#backEmf * velocity;
  }

  /** Share of the voltage that the motor is driven with for a torque, −1 … 1. */
  duty(torque: number): number {
    return torque / this.fullTorque;
  }

  /** Torque of the motor before back-EMF, which is in the joint's damping. `reading`: counts of the encoder; `dt` in s. */
  torque(joint: number, reading: number, dt: number): number {
    const { goalSpeed, deadBand, gain, startUp } = this.parameters;
    const most = (goalSpeed / COUNT) * dt;
    const reference = this.references[joint] as number;
    const moved = reference + Math.max(-most, Math.min(most, (this.goals[joint] as number) - reference));
    this.references[joint] = moved;
    const error = moved - reading;
    if (Math.abs(error) <= deadBand) return 0;
    const duty = (this.proportional[joint] as number) * gain * error * COUNT + Math.sign(error) * startUp;
    const limit = this.#limits[joint] as number;
    return this.fullTorque * Math.max(-limit, Math.min(limit, duty));
  }

  /** Dry friction of motor and gears under a load, N m: `bias` is the joint's of gravity and motion, `velocity` in rad/s. */
  frictionLoss(torque: number, bias: number, velocity: number): number {
    const { friction, stribeckSpeed, stribeckExponent } = this.parameters;
    const stribeck = Math.exp(-((Math.abs(velocity) / stribeckSpeed) ** stribeckExponent));
    const load = Math.abs(torque - this.#backEmf * velocity + bias);
    return friction.base + friction.stribeck * stribeck + (friction.load + friction.loadStribeck * stribeck) * load;
  }
}
