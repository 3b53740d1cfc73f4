import { type ImportMujoco, type MujocoModule, startMujoco } from '../../src/envs/mujoco/module.js';

/** The package of the tests: one module for all files of a process. */
export const importMujoco: ImportMujoco = () => import('@mujoco/mujoco');

export const mujoco = (): Promise<MujocoModule> => startMujoco('the tests', importMujoco);
