import type { MujocoModule } from '../mujoco/module.js';
import { seededRandom } from '../mujoco/random.js';
import { yawQuaternion } from '../mujoco/rotations.js';
import { Simulation } from '../mujoco/simulation.js';
import { CUBE_HALF, JOINT_NAMES, JOINTS, PAD_NAMES } from './arm-table.js';
import type { So101Goal } from './goals.js';
import { playName, SUBSTEPS, so101Xml, TIMESTEP } from './mjcf.js';
import { type CheckedSo101Options, servoOf } from './options.js';
import type { Placement } from './placement.js';
import { COUNT, Servos } from './servo.js';

const DEGREE = Math.PI / 180;

/** The model of a task with these options, as XML. */
export function modelOf(goal: So101Goal, options: CheckedSo101Options): string {
  const servo = servoOf(options);
  const { damping } = new Servos(servo, JOINTS);
  return so101Xml(goal, { damping, armature: servo.armature, backlash: options.backlash * DEGREE });
}

/** Where a joint lies; `play` is that of its gears, −1 for none. */
interface JointAddress {
  readonly position: number;
  readonly velocity: number;
  readonly play: number;
}

/** The arm and what lies in front of it, in MuJoCo, with its servos. */
export class So101Body {
  readonly simulation: Simulation;
  readonly servos: Servos;
  /** Bodies and geoms of the model. */
  readonly cube: number;
  readonly target: number;
  readonly hand: number;
  readonly cubeGeom: number;
  readonly pads: readonly number[];
  readonly joints: readonly JointAddress[];
  readonly #goal: So101Goal;
  readonly #cubeAddress: { readonly position: number; readonly velocity: number };
  readonly #goalAddress: number;
  readonly #flicker: number;
  #random: () => number = seededRandom(0);
  /** What the encoders say at the end of a tick, rad. */
  #readings: readonly number[] = new Array<number>(JOINTS).fill(0);

  constructor(mujoco: MujocoModule, goal: So101Goal, options: CheckedSo101Options) {
    this.servos = new Servos(servoOf(options), JOINTS);
    const simulation = new Simulation(mujoco, modelOf(goal, options), TIMESTEP);
    this.simulation = simulation;
    this.joints = JOINT_NAMES.map((name) => {
      const hasPlay = simulation.find('joint', playName(name)) >= 0;
      return { ...simulation.jointAddress(name), play: hasPlay ? simulation.jointAddress(playName(name)).position : -1 };
    });
    this.cube = simulation.id('body', 'cube');
    this.target = simulation.id('body', goal.body);
    this.hand = simulation.id('body', 'hand');
    this.cubeGeom = simulation.id('geom', 'cube');
    this.pads = PAD_NAMES.map((name) => simulation.id('geom', name));
    this.#goal = goal;
    this.#cubeAddress = simulation.freeAddress('cube');
    this.#goalAddress = goal.isFree ? simulation.freeAddress(goal.body).position : -1;
    this.#flicker = options.flicker;
  }

  /** Angle of a link, behind the play of its gears, rad. */
  angle(joint: number): number {
    const { qpos } = this.simulation.views;
    const { position, play } = this.joints[joint] as JointAddress;
    return (qpos[position] as number) + (play >= 0 ? (qpos[play] as number) : 0);
  }

  angles(): number[] {
    return this.joints.map((_, joint) => this.angle(joint));
  }

  /** What the encoders say, rad: whole counts. */
  get readings(): readonly number[] {
    return this.#readings;
  }

  /** Of a body: position (3) and rotation, row-major (9), copied; as they were before the last step of physics, 3 ms ago. */
  pose(body: number): { position: number[]; rotation: number[] } {
    const { xpos, xmat } = this.simulation.views;
    return { position: [...xpos.subarray(3 * body, 3 * body + 3)], rotation: [...xmat.subarray(9 * body, 9 * body + 9)] };
  }

  /** Position and quaternion of the cube. [7] */
  cubePose(): number[] {
    const { position } = this.#cubeAddress;
    return [...this.simulation.views.qpos.subarray(position, position + 7)];
  }

  /** Of what it belongs on. [7] */
  goalPose(): number[] {
    const { qpos, mocapPositions } = this.simulation.views;
    if (this.#goalAddress >= 0) return [...qpos.subarray(this.#goalAddress, this.#goalAddress + 7)];
    return [...mocapPositions.subarray(0, 3), 1, 0, 0, 0];
  }

  /** m/s */
  cubeSpeed(): number {
    const { velocity } = this.#cubeAddress;
    return Math.hypot(...this.simulation.views.qvel.subarray(velocity, velocity + 3));
  }

  /** Everything at rest where an episode begins. */
  place({ cube, goal, arm }: Placement, seed: number): void {
    const { simulation } = this;
    simulation.reset();
    const { qpos, mocapPositions } = simulation.views;
    this.joints.forEach(({ position }, joint) => {
      qpos[position] = arm[joint] as number;
    });
    qpos.set([cube[0], cube[1], CUBE_HALF, ...yawQuaternion(cube[2])], this.#cubeAddress.position);
    if (this.#goalAddress >= 0) qpos.set([goal[0], goal[1], this.#goal.height, ...yawQuaternion(goal[2])], this.#goalAddress);
    else mocapPositions.set([goal[0], goal[1], this.#goal.height]);
    simulation.forward();
    this.servos.reset(this.angles());
    // Another stream than the placement's.
    this.#random = seededRandom(seed ^ 0x9e3779b9);
    this.#read();
  }

  /** Share of the voltage that each motor was driven with in the last step of physics, −1 … 1; 0 of one that was let go. */
  loads(): number[] {
    const { ctrl } = this.simulation.views;
    return this.joints.map((_, joint) => (this.servos.hasTorque(joint) ? this.servos.duty(ctrl[joint] as number) : 0));
  }

  /** One tick of control: ten steps of physics. @throws SimulationError */
  tick(): void {
    this.advance(SUBSTEPS);
  }

  /** So many steps of physics, the position loops in each, and a reading of the encoders behind the last. @throws SimulationError */
  advance(steps: number): void {
    const { servos, joints } = this;
    this.simulation.step(steps, ({ qvel, ctrl, bias, frictionloss }) => {
      for (let joint = 0; joint < JOINTS; joint++) {
        const address = (joints[joint] as JointAddress).velocity;
        const velocity = qvel[address] as number;
        const counts = this.#counts(joint);
        const torque = servos.hasTorque(joint) ? servos.torque(joint, counts, TIMESTEP) : servos.coast(joint, counts, velocity);
        ctrl[joint] = torque;
        frictionloss[address] = servos.frictionLoss(torque, bias[address] as number, velocity);
      }
    });
    this.#read();
  }

  /** Gives MuJoCo's memory back. */
  delete(): void {
    this.simulation.delete();
  }

  #read(): void {
    this.#readings = this.joints.map((_, joint) => this.#counts(joint) * COUNT);
  }

  /** One reading of an encoder. */
  #counts(joint: number): number {
    const counts = Math.round(this.angle(joint) / COUNT);
    if (this.#flicker === 0 || this.#random() >= this.#flicker) return counts;
    return counts + (this.#random() < 0.5 ? -1 : 1);
  }
}
