import { expectTypeOf } from 'vitest';
import type { Task } from '../../src/entries/evaluation.js';
import { drawPicture, PUSH_T_MAX_STEPS, PushT, type PushTState, pushTTask, SUCCESS_COVERAGE } from '../../src/entries/push-t.js';

expectTypeOf(pushTTask).returns.toExtend<Task>();
expectTypeOf(PushT).toBeConstructibleWith();
expectTypeOf<PushT['state']>().toEqualTypeOf<PushTState>();
expectTypeOf(PUSH_T_MAX_STEPS).toBeNumber();
expectTypeOf(SUCCESS_COVERAGE).toBeNumber();
expectTypeOf(drawPicture).toBeFunction();
