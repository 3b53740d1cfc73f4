import type { MujocoModule } from '../mujoco/module.js';
import { type Vector, yawQuaternion } from '../mujoco/rotations.js';
import { Simulation } from '../mujoco/simulation.js';
import type { SetPoints } from './action.js';
import type { GripperGoal, ThingStart } from './goal.js';
import { FINGER_TRAVEL, FINGERS, HINGES, SLIDES } from './hand.js';
import { gripperXml, SUBSTEPS, TIMESTEP } from './mjcf.js';
import { hingeQuaternion, hingeRotation, quaternionRotation } from './rotation-6d.js';
import type { GripperPose, GripperWorld } from './world.js';

const POSE = 7;

interface ThingAddress {
  readonly position: number;
  readonly velocity: number;
  /** Of its solids that have a name. */
  readonly geoms: readonly number[];
}

/** The hand and what lies before it, in MuJoCo. Poses are of the present positions, not of the last step's beginning. */
export class GripperBody implements GripperWorld {
  readonly simulation: Simulation;
  /** Where slides, hinges and fingers lie in `qpos`, in this order. [8] */
  readonly #joints: readonly number[];
  readonly #things: readonly ThingAddress[];
  readonly #pads: readonly number[];
  /** Of the last command. */
  #setPoints: SetPoints = [];

  constructor(mujoco: MujocoModule, goal: GripperGoal) {
    const simulation = new Simulation(mujoco, gripperXml(goal), TIMESTEP);
    this.simulation = simulation;
    const joints = [...SLIDES, ...HINGES, ...FINGERS.map(({ joint }) => joint)];
    this.#joints = joints.map((name) => simulation.jointAddress(name).position);
    this.#pads = FINGERS.map(({ name }) => simulation.id('geom', name));
    this.#things = goal.things.map(({ name, solids }) => {
      const geoms = solids.flatMap((solid) => (solid.name === undefined ? [] : [simulation.id('geom', solid.name)]));
      return { ...simulation.freeAddress(name), geoms };
    });
  }

  /** Everything at rest where an episode begins, the hand open. `hand`: of its slides (3), `hinges`: of its hinges (3). */
  place(starts: readonly ThingStart[], hand: Vector, hinges: Vector): void {
    const { simulation } = this;
    simulation.reset();
    const { qpos } = simulation.views;
    this.#setPoints = [...hand, ...hinges, FINGER_TRAVEL, FINGER_TRAVEL];
    this.#joints.forEach((address, i) => {
      qpos[address] = this.#setPoints[i] as number;
    });
    starts.forEach(({ position, yaw }, i) => {
      qpos.set([...position, ...yawQuaternion(yaw)], (this.#things[i] as ThingAddress).position);
    });
    simulation.forward();
  }

  /** One tick of control: twelve steps of physics towards the set points. @throws SimulationError */
  tick(setPoints: SetPoints = this.#setPoints): void {
    this.#setPoints = setPoints;
    this.simulation.views.ctrl.set(setPoints);
    this.simulation.step(SUBSTEPS, () => {});
  }

  get setPoints(): SetPoints {
    return this.#setPoints;
  }

  /** Of the hinges about z, y, x, rad. [3] */
  get hinges(): number[] {
    return this.#values(3, 6);
  }

  /** How far the fingers are open, m. [2] */
  get fingers(): number[] {
    return this.#values(6, 8);
  }

  get hand(): GripperPose {
    return { position: this.#values(0, 3), rotation: hingeRotation(this.hinges) };
  }

  get things(): GripperPose[] {
    return this.#things.map((_, thing) => {
      const pose = this.#thingPose(thing);
      return { position: pose.slice(0, 3), rotation: quaternionRotation(pose.slice(3)) };
    });
  }

  /** Positions and quaternions (w, x, y, z) of the hand and of every thing, the fingers behind the hand's. */
  poses(): number[] {
    const hand = [...this.#values(0, 3), ...hingeQuaternion(this.hinges), ...this.fingers];
    return [...hand, ...this.#things.flatMap((_, thing) => this.#thingPose(thing))];
  }

  speed(thing: number): { linear: number; angular: number } {
    const { velocity } = this.#things[thing] as ThingAddress;
    const { qvel } = this.simulation.views;
    return {
      linear: Math.hypot(...qvel.subarray(velocity, velocity + 3)),
      angular: Math.hypot(...qvel.subarray(velocity + 3, velocity + 6)),
    };
  }

  isGrasped(thing: number): boolean {
    const { geoms } = this.#things[thing] as ThingAddress;
    return this.#pads.every((pad) => this.simulation.touches(geoms, pad));
  }

  /** Gives MuJoCo's memory back. */
  delete(): void {
    this.simulation.delete();
  }

  #thingPose(thing: number): number[] {
    const { position } = this.#things[thing] as ThingAddress;
    return [...this.simulation.views.qpos.subarray(position, position + POSE)];
  }

  #values(from: number, to: number): number[] {
    const { qpos } = this.simulation.views;
    return this.#joints.slice(from, to).map((address) => qpos[address] as number);
  }
}
