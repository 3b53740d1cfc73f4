import { OptionError, WarmstepError } from '../../foundation/errors.js';
import { EnvironmentLostError } from '../environment.js';
import type { DataHandle, ModelHandle, MujocoModule } from './module.js';

/** The physics left what numbers can hold: the state was NaN or infinite, and MuJoCo began again without a word. */
export class SimulationError extends WarmstepError {}

/** How MuJoCo and its WebAssembly, which has 2 GiB, say that they have no memory. */
const NO_MEMORY = /alloc|memory/i;

function noRoom(cause: unknown): EnvironmentLostError {
  const text = `MuJoCo has no memory for another simulation (${messageOf(cause).trim()}): close others, or run fewer side by side.`;
  return new EnvironmentLostError(text, { cause });
}

/** Builds of MuJoCo throw errors, errors without a message, and numbers. */
function messageOf(cause: unknown): string {
  return String((cause as Partial<Error> | null | undefined)?.message ?? cause);
}

/** Views of the module's memory, valid until it grows: ask `Simulation.views` for them again after anything was allocated. */
export interface SimulationViews {
  readonly qpos: Float64Array;
  readonly qvel: Float64Array;
  /** [actuators] */
  readonly ctrl: Float64Array;
  /** Gravity, Coriolis and centrifugal forces, [nv]. */
  readonly bias: Float64Array;
  /** Of the model, [nv]: written by servos. */
  readonly frictionloss: Float64Array;
  /** Positions of bodies in the world, [bodies][3]; rotations, row-major, [bodies][9]. */
  readonly xpos: Float64Array;
  readonly xmat: Float64Array;
  readonly sitePositions: Float64Array;
  readonly geomPositions: Float64Array;
  readonly geomRotations: Float64Array;
  /** Of bodies that an episode only places, [mocap bodies][3]. */
  readonly mocapPositions: Float64Array;
  /** w, x, y, z, [mocap bodies][4]. */
  readonly mocapRotations: Float64Array;
}

/** A geom of the model, as it looks. */
export interface SolidGeom {
  readonly id: number;
  /** MuJoCo's number of its shape. */
  readonly type: number;
  /** As MuJoCo has them for the shape, m. */
  readonly size: readonly [number, number, number];
  /** Red, green, blue and how opaque, 0 … 1. */
  readonly colour: readonly [number, number, number];
  readonly alpha: number;
}

/** Where bodies and geoms are in the world: positions [count][3], rotations, row-major, [count][9]. */
export type Places = Pick<SimulationViews, 'xpos' | 'xmat' | 'geomPositions' | 'geomRotations'>;

/** Numbers of a pose: position (3), quaternion (4). */
export const POSE = 7;

const KINDS = { body: 'mjOBJ_BODY', joint: 'mjOBJ_JOINT', geom: 'mjOBJ_GEOM', site: 'mjOBJ_SITE' } as const;

/**
 * One model with one state. Nothing of the package is collected: `delete()` gives both back. Views are kept, since each getter of
 * the package makes one, and fetched again where the memory has grown under them.
 */
export class Simulation {
  readonly #mujoco: MujocoModule;
  readonly #model: ModelHandle;
  readonly #data: DataHandle;
  readonly #timestep: number;
  #views: SimulationViews | undefined;
  #isDeleted = false;

  /** @throws SimulationError for XML that MuJoCo does not take, in its words; EnvironmentLostError where it has no memory for another simulation. */
  constructor(mujoco: MujocoModule, xml: string, timestep: number) {
    this.#mujoco = mujoco;
    this.#timestep = timestep;
    try {
      this.#model = mujoco.MjModel.from_xml_string(xml);
    } catch (cause) {
      const message = messageOf(cause);
      throw NO_MEMORY.test(message) ? noRoom(cause) : new SimulationError(`MuJoCo does not take the model: ${message}`, { cause });
    }
    try {
      this.#data = new mujoco.MjData(this.#model);
    } catch (cause) {
      this.#model.delete();
      throw noRoom(cause);
    }
  }

  get views(): SimulationViews {
    if (this.#views && this.#views.qpos.length > 0) return this.#views;
    if (this.#isDeleted) throw new OptionError('the simulation was closed: make another one.');
    const [model, data] = [this.#model, this.#data];
    this.#views = {
      qpos: data.qpos,
      qvel: data.qvel,
      ctrl: data.ctrl,
      bias: data.qfrc_bias,
      frictionloss: model.dof_frictionloss,
      xpos: data.xpos,
      xmat: data.xmat,
      sitePositions: data.site_xpos,
      geomPositions: data.geom_xpos,
      geomRotations: data.geom_xmat,
      mocapPositions: data.mocap_pos,
      mocapRotations: data.mocap_quat,
    };
    return this.#views;
  }

  /** Number of an element by its name. @throws OptionError for a name that the model does not have. */
  id(kind: keyof typeof KINDS, name: string): number {
    const id = this.find(kind, name);
    if (id < 0) throw new OptionError(`the model has no ${kind} "${name}".`);
    return id;
  }

  /** The same; −1 where the model has none. */
  find(kind: keyof typeof KINDS, name: string): number {
    return this.#mujoco.mj_name2id(this.#model, this.#mujoco.mjtObj[KINDS[kind]].value, name);
  }

  /** Where a joint's position and velocity lie in `qpos` and `qvel`. */
  jointAddress(name: string): { readonly position: number; readonly velocity: number } {
    const id = this.id('joint', name);
    return { position: this.#model.jnt_qposadr[id] as number, velocity: this.#model.jnt_dofadr[id] as number };
  }

  /** Where the free joint of a body lies: position (3) and quaternion (4) in `qpos`, linear velocity (3) and angular (3) in `qvel`. */
  freeAddress(body: string): { readonly position: number; readonly velocity: number } {
    const joint = this.#model.body_jntadr[this.id('body', body)] as number;
    if (joint < 0) throw new OptionError(`body "${body}" of the model has no joint.`);
    return { position: this.#model.jnt_qposadr[joint] as number, velocity: this.#model.jnt_dofadr[joint] as number };
  }

  /** Back to the model's own state; the warm start of the solver goes too, so that equal calls give equal bits. */
  reset(): void {
    void this.views;
    this.#mujoco.mj_resetData(this.#model, this.#data);
  }

  /** Positions, rotations and forces of the present `qpos`, without a step. */
  forward(): void {
    void this.views;
    this.#mujoco.mj_forward(this.#model, this.#data);
  }

  /** What the model is made of, in its order. */
  geoms(): SolidGeom[] {
    const { ngeom, geom_type: types, geom_size: sizes, geom_rgba: colours } = this.#model;
    return Array.from({ length: ngeom }, (_, id) => {
      const [red = 0, green = 0, blue = 0, alpha = 0] = colours.subarray(4 * id, 4 * id + 4);
      const size = [...sizes.subarray(3 * id, 3 * id + 3)] as [number, number, number];
      return { id, type: types[id] as number, size, colour: [red, green, blue], alpha };
    });
  }

  /** Of each body that an episode only places, in the model's order: position (3), quaternion w, x, y, z (4). [7 × bodies] */
  mocapPoses(): number[] {
    const { mocapPositions, mocapRotations } = this.views;
    return Array.from({ length: mocapPositions.length / 3 }, (_, body) => [
      ...mocapPositions.subarray(3 * body, 3 * body + 3),
      ...mocapRotations.subarray(4 * body, 4 * body + 4),
    ]).flat();
  }

  /**
   * Puts everything where `positions`, [nq], and `mocap`, as of `mocapPoses`, say, and tells where that is. No forces follow: for looking only.
   * @throws OptionError for another number of either.
   */
  placed(positions: ArrayLike<number>, mocap: ArrayLike<number>): Places {
    const { qpos, mocapPositions, mocapRotations } = this.views;
    if (positions.length !== qpos.length) {
      throw new OptionError(`the model has ${qpos.length} positions, found ${positions.length}: they are of another model.`);
    }
    const bodies = mocapPositions.length / 3;
    if (mocap.length !== POSE * bodies) {
      throw new OptionError(
        `the model has ${bodies} bodies that are only placed, of which ${POSE * bodies} numbers tell, found ${mocap.length}: they are of another model.`,
      );
    }
    qpos.set(positions);
    for (let body = 0; body < bodies; body++) {
      for (let i = 0; i < 3; i++) mocapPositions[3 * body + i] = mocap[POSE * body + i] as number;
      for (let i = 0; i < 4; i++) mocapRotations[4 * body + i] = mocap[POSE * body + 3 + i] as number;
    }
    this.#mujoco.mj_kinematics(this.#model, this.#data);
    return this.views;
  }

  /**
   * So many steps; `before` is called before each, with the views that are valid then.
   * @throws SimulationError where the state was not finite.
   */
  step(count: number, before: (views: SimulationViews) => void): void {
    void this.views;
    const began = this.#data.time;
    for (let i = 0; i < count; i++) {
      before(this.views);
      this.#mujoco.mj_step(this.#model, this.#data);
    }
    // MuJoCo resets a state that is not finite, time included, and says nothing.
    if (!(this.#data.time > began + (count - 0.5) * this.#timestep)) {
      throw new SimulationError(
        `the physics diverged within ${count} steps after ${began.toFixed(3)} s: it was no state any more. Reset, and look at the actions.`,
      );
    }
  }

  /** Whether one of these geoms touches that one. */
  touches(geoms: readonly number[], other: number): boolean {
    const count = this.#data.ncon;
    if (count === 0) return false;
    const contacts = this.#data.contact;
    try {
      for (let i = 0; i < count; i++) {
        const contact = contacts.get(i);
        const { geom1, geom2 } = contact;
        contact.delete();
        if ((geom1 === other && geoms.includes(geom2)) || (geom2 === other && geoms.includes(geom1))) return true;
      }
      return false;
    } finally {
      contacts.delete();
    }
  }

  /** Gives its memory back. A second call does nothing. */
  delete(): void {
    if (this.#isDeleted) return;
    this.#isDeleted = true;
    this.#views = undefined;
    this.#data.delete();
    this.#model.delete();
  }
}
