import type { MujocoModule } from '../mujoco/module.js';
import type { Rotation, Vector } from '../mujoco/rotations.js';
import { POSE, Simulation } from '../mujoco/simulation.js';
import type { SetPoints } from './action.js';
import type { GripperGoal, ThingHinge, ThingStart } from './goal.js';
import { FINGER_TRAVEL, FINGERS, type HandPlan, HINGES, ONE_HAND, SLIDES } from './hand.js';
import { gripperXml, SUBSTEPS, TICK_RATE } from './mjcf.js';
import { hingeQuaternion, hingeRotation, quaternionRotation, turnedAbout } from './rotation-6d.js';
import type { GripperPose, GripperWorld } from './world.js';

/** Where a thing lies in `qpos` and `qvel`, or among the bodies that are placed. */
type ThingAddress = {
  /** Of its solids that have a name. */
  readonly geoms: readonly number[];
} & (
  | { readonly kind: 'free'; readonly position: number; readonly velocity: number }
  | { readonly kind: 'placed'; readonly number: number }
  | { readonly kind: 'hinge'; readonly position: number; readonly velocity: number; readonly hinge: ThingHinge }
);

interface HandAddress {
  readonly plan: HandPlan;
  /** Where slides, hinges and fingers lie in `qpos`, in this order. [8] */
  readonly joints: readonly number[];
  readonly pads: readonly number[];
}

/** Of its slides and of its hinges. [3] each */
export interface HandStart {
  readonly slides: Vector;
  readonly hinges: Vector;
}

/** A hand as it is. */
export interface HandNow {
  readonly plan: HandPlan;
  readonly position: Vector;
  readonly rotation: Rotation;
  /** About z, y, x, rad. [3] */
  readonly hinges: Vector;
  /** How far each is open, m. [2] */
  readonly fingers: readonly number[];
}

/** Hands and what lies before them, in MuJoCo. Poses are of the present positions, not of the last step's beginning. */
export class GripperBody implements GripperWorld {
  readonly simulation: Simulation;
  readonly #hands: readonly HandAddress[];
  readonly #things: readonly ThingAddress[];
  readonly #substeps: number;
  readonly #solids = new Map<string, number>();
  /** Of the last command. */
  #setPoints: SetPoints = [];

  constructor(mujoco: MujocoModule, goal: GripperGoal) {
    this.#substeps = goal.substeps ?? SUBSTEPS;
    const simulation = new Simulation(mujoco, gripperXml(goal), 1 / (TICK_RATE * this.#substeps));
    this.simulation = simulation;
    const joints = [...SLIDES, ...HINGES, ...FINGERS.map(({ joint }) => joint)];
    this.#hands = (goal.hands ?? ONE_HAND).map((plan) => ({
      plan,
      joints: joints.map((name) => simulation.jointAddress(plan.prefix + name).position),
      pads: FINGERS.map(({ name }) => simulation.id('geom', plan.prefix + name)),
    }));
    let placed = 0;
    this.#things = goal.things.map(({ name, solids, hinge, isPlaced }): ThingAddress => {
      const geoms = solids.flatMap((solid) => (solid.name === undefined ? [] : [simulation.id('geom', solid.name)]));
      if (hinge) return { kind: 'hinge', ...simulation.jointAddress(name), hinge, geoms };
      if (isPlaced) return { kind: 'placed', number: placed++, geoms };
      return { kind: 'free', ...simulation.freeAddress(name), geoms };
    });
  }

  /** Everything at rest where an episode begins, the hands open. */
  place(starts: readonly ThingStart[], hands: readonly HandStart[]): void {
    const { simulation } = this;
    simulation.reset();
    const { qpos, mocapPositions, mocapRotations } = simulation.views;
    this.#setPoints = hands.flatMap(({ slides, hinges }) => [...slides, ...hinges, FINGER_TRAVEL, FINGER_TRAVEL]);
    this.#hands
      .flatMap(({ joints }) => joints)
      .forEach((address, i) => {
        qpos[address] = this.#setPoints[i] as number;
      });
    const standing = this.#things.filter(({ kind }) => kind !== 'hinge');
    starts.forEach(({ position, yaw, roll = 0 }, i) => {
      const thing = standing[i] as ThingAddress;
      const rotation = hingeQuaternion([yaw, 0, roll]);
      if (thing.kind === 'free') qpos.set([...position, ...rotation], thing.position);
      if (thing.kind !== 'placed') return;
      mocapPositions.set(position, 3 * thing.number);
      mocapRotations.set(rotation, 4 * thing.number);
    });
    simulation.forward();
  }

  /** One tick of control: so many steps of physics towards the set points. @throws SimulationError */
  tick(setPoints: SetPoints = this.#setPoints): void {
    this.#setPoints = setPoints;
    this.simulation.views.ctrl.set(setPoints);
    this.simulation.step(this.#substeps, () => {});
  }

  get setPoints(): SetPoints {
    return this.#setPoints;
  }

  get hands(): HandNow[] {
    return this.#hands.map(({ plan, joints }) => {
      const values = this.#values(joints);
      const hinges = values.slice(3, 6);
      return { plan, position: values.slice(0, 3), rotation: hingeRotation(hinges), hinges, fingers: values.slice(6, 8) };
    });
  }

  get hand(): HandNow {
    return this.hands[0] as HandNow;
  }

  get things(): GripperPose[] {
    return this.#things.map((_, thing) => {
      const pose = this.#thingPose(thing);
      return { position: pose.slice(0, 3), rotation: quaternionRotation(pose.slice(3)) };
    });
  }

  /** Positions and quaternions (w, x, y, z) of every hand, its fingers behind it, and of every thing. */
  poses(): number[] {
    const hands = this.hands.flatMap(({ position, hinges, fingers }) => [...position, ...hingeQuaternion(hinges), ...fingers]);
    return [...hands, ...this.#things.flatMap((_, thing) => this.#thingPose(thing))];
  }

  turnOf(thing: number): number {
    const address = this.#things[thing] as ThingAddress;
    return address.kind === 'hinge' ? (this.simulation.views.qpos[address.position] as number) : 0;
  }

  speed(thing: number): { linear: number; angular: number } {
    const address = this.#things[thing] as ThingAddress;
    if (address.kind === 'placed') return { linear: 0, angular: 0 };
    const { velocity } = address;
    const { qvel } = this.simulation.views;
    if (address.kind === 'hinge') return { linear: 0, angular: Math.abs(qvel[velocity] as number) };
    return {
      linear: Math.hypot(...qvel.subarray(velocity, velocity + 3)),
      angular: Math.hypot(...qvel.subarray(velocity + 3, velocity + 6)),
    };
  }

  isGrasped(thing: number): boolean {
    const { geoms } = this.#things[thing] as ThingAddress;
    return this.#hands.some(({ pads }) => pads.every((pad) => this.simulation.touches(geoms, pad)));
  }

  isTouched(thing: number): boolean {
    const { geoms } = this.#things[thing] as ThingAddress;
    return this.#hands.some(({ pads }) => pads.some((pad) => this.simulation.touches(geoms, pad)));
  }

  touches(solids: readonly string[], other: string): boolean {
    return this.simulation.touches(
      solids.map((name) => this.#solid(name)),
      this.#solid(other),
    );
  }

  /** Gives MuJoCo's memory back. */
  delete(): void {
    this.simulation.delete();
  }

  #solid(name: string): number {
    const id = this.#solids.get(name) ?? this.simulation.id('geom', name);
    this.#solids.set(name, id);
    return id;
  }

  #thingPose(thing: number): number[] {
    const address = this.#things[thing] as ThingAddress;
    const { qpos, mocapPositions, mocapRotations } = this.simulation.views;
    if (address.kind === 'free') return [...qpos.subarray(address.position, address.position + POSE)];
    if (address.kind === 'hinge') {
      const base = this.#thingPose(address.hinge.on);
      return [...base.slice(0, 3), ...turnedAbout(base.slice(3), address.hinge.axis, this.turnOf(thing))];
    }
    const { number } = address;
    return [...mocapPositions.subarray(3 * number, 3 * number + 3), ...mocapRotations.subarray(4 * number, 4 * number + 4)];
  }

  #values(addresses: readonly number[]): number[] {
    const { qpos } = this.simulation.views;
    return addresses.map((address) => qpos[address] as number);
  }
}
