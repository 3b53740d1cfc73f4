import { OptionError } from '../../foundation/errors.js';
import { checkMethods } from '../../foundation/options.js';
import { shownValue } from '../../foundation/shown.js';

/** A compiled model, as far as simulations use it. Every getter makes a new view of the module's memory. */
export interface ModelHandle {
  readonly ngeom: number;
  readonly geom_type: Int32Array;
  readonly geom_size: Float64Array;
  readonly geom_rgba: Float32Array;
  readonly jnt_qposadr: Int32Array;
  readonly jnt_dofadr: Int32Array;
  readonly body_jntadr: Int32Array;
  readonly dof_frictionloss: Float64Array;
  delete(): void;
}

/** One contact: a copy, to be deleted. */
export interface ContactHandle {
  readonly geom1: number;
  readonly geom2: number;
  delete(): void;
}

/** The state of a simulation. Every getter makes a new view; `contact` a copy, to be deleted. */
export interface DataHandle {
  readonly time: number;
  readonly ncon: number;
  readonly qpos: Float64Array;
  readonly qvel: Float64Array;
  readonly ctrl: Float64Array;
  readonly qfrc_bias: Float64Array;
  readonly xpos: Float64Array;
  readonly xmat: Float64Array;
  readonly geom_xpos: Float64Array;
  readonly geom_xmat: Float64Array;
  readonly site_xpos: Float64Array;
  readonly mocap_pos: Float64Array;
  readonly mocap_quat: Float64Array;
  readonly contact: { get(index: number): ContactHandle; delete(): void };
  delete(): void;
}

/** What is used of the package `@mujoco/mujoco`, once its WebAssembly is there. */
export interface MujocoModule {
  readonly MjModel: { from_xml_string(xml: string): ModelHandle };
  readonly MjData: new (model: ModelHandle) => DataHandle;
  readonly mjtObj: Readonly<Record<'mjOBJ_BODY' | 'mjOBJ_JOINT' | 'mjOBJ_GEOM' | 'mjOBJ_SITE', { readonly value: number }>>;
  mj_name2id(model: ModelHandle, kind: number, name: string): number;
  mj_forward(model: ModelHandle, data: DataHandle): void;
  mj_kinematics(model: ModelHandle, data: DataHandle): void;
  mj_step(model: ModelHandle, data: DataHandle): void;
  mj_resetData(model: ModelHandle, data: DataHandle): void;
}

/** Brings the package: `() => import('@mujoco/mujoco')`. It is the program's, an optional peer of this one. */
export type ImportMujoco = () => Promise<{ readonly default: (options?: never) => Promise<unknown> }>;

const MODULES = new WeakMap<ImportMujoco, Promise<MujocoModule>>();

/**
 * The module that a package starts: one for each function that brings it, however often it is asked for, since 10 MB of WebAssembly
 * are compiled for it. One that failed is started again.
 * @throws OptionError for what is not that package; what the import throws.
 */
export function startMujoco(where: string, load: ImportMujoco): Promise<MujocoModule> {
  checkMujocoImport(where, load);
  const known = MODULES.get(load);
  if (known) return known;
  const started = start(where, load);
  MODULES.set(load, started);
  started.catch(() => MODULES.delete(load));
  return started;
}

/** @throws OptionError for what is no function. */
export function checkMujocoImport(where: string, load: ImportMujoco): void {
  if (typeof load === 'function') return;
  throw new OptionError(`${where}: mujoco must be a function that imports the package @mujoco/mujoco, found ${shownValue(load)}.`);
}

async function start(where: string, load: ImportMujoco): Promise<MujocoModule> {
  const found: unknown = await load();
  const factory = (found as { readonly default?: unknown } | null | undefined)?.default;
  if (typeof factory !== 'function') {
    throw new OptionError(`${where}: mujoco must bring the package @mujoco/mujoco, found ${shownValue(found)}.`);
  }
  const module: unknown = await (factory as () => unknown)();
  checkMethods(where, 'what mujoco brings', module, 'the module of @mujoco/mujoco 3.14 or newer', [
    'MjModel',
    'MjData',
    'mj_step',
    'mj_forward',
    'mj_resetData',
    'mj_name2id',
  ]);
  return module as MujocoModule;
}
