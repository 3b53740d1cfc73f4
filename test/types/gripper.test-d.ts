import { expectTypeOf } from 'vitest';
import type { TaskKind } from '../../src/entries/evaluation.js';
import { type FloatingGripper, type GripperState, gripperExpertActions, gripperTask, openGripper } from '../../src/entries/gripper.js';

const load = () => import('@mujoco/mujoco');
expectTypeOf(openGripper('stack-cube', load)).resolves.toEqualTypeOf<FloatingGripper>();
expectTypeOf<FloatingGripper['state']>().toEqualTypeOf<GripperState>();
expectTypeOf(gripperTask).returns.toEqualTypeOf<TaskKind>();
expectTypeOf(gripperExpertActions).parameter(0).toEqualTypeOf<FloatingGripper>();
