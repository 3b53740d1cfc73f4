import { expectTypeOf } from 'vitest';
import {
  alphasCumprod,
  ddimSchedule,
  ddpmSchedule,
  dpmSolverSchedule,
  fillNormal,
  makeSchedule,
  type NoiseScheduleOptions,
  resumeSchedule,
  type Schedule,
  type SolverStep,
} from '../../src/entries/diffusion.js';

expectTypeOf(alphasCumprod).parameter(0).toEqualTypeOf<NoiseScheduleOptions>();
expectTypeOf<Schedule['steps']>().items.toEqualTypeOf<SolverStep>();
for (const schedule of [ddimSchedule, ddpmSchedule, dpmSolverSchedule, resumeSchedule, makeSchedule]) {
  expectTypeOf(schedule).returns.toEqualTypeOf<Schedule>();
}
expectTypeOf(fillNormal).toBeFunction();
