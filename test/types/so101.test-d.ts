import { expectTypeOf } from 'vitest';
import type { TaskKind } from '../../src/entries/evaluation.js';
import { SimulatedArm, type SimulatedMotors } from '../../src/entries/robots.js';
import {
  expertActions,
  inverseKinematics,
  openSo101,
  type So101,
  So101Motors,
  type So101State,
  so101Task,
} from '../../src/entries/so101.js';

const load = () => import('@mujoco/mujoco');
expectTypeOf(openSo101('so101-stack-cube', load, { voltage: 7.4, p: 32 })).resolves.toEqualTypeOf<So101>();
expectTypeOf<So101['state']>().toEqualTypeOf<So101State>();
expectTypeOf(so101Task).returns.toEqualTypeOf<TaskKind>();
expectTypeOf(expertActions).parameter(0).toEqualTypeOf<So101>();
expectTypeOf(inverseKinematics([0.2, 0, 0.1]).angles).toEqualTypeOf<readonly number[]>();
expectTypeOf<So101Motors>().toExtend<SimulatedMotors>();
expectTypeOf(new SimulatedArm(new So101Motors({} as So101)).receive).returns.toEqualTypeOf<Uint8Array>();
