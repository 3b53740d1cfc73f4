import { expectTypeOf } from 'vitest';
import { type ControlEvents, ControlLoop, type ControlLoopOptions, type ControlMetrics, type LateRule } from '../../src/entries/control.js';
import type { Policy } from '../../src/entries/core.js';

// A policy is one of the things that a loop can run.
expectTypeOf<Policy>().toExtend<ConstructorParameters<typeof ControlLoop>[0]>();
expectTypeOf(ControlLoop).constructorParameters.toHaveProperty(1).toEqualTypeOf<ControlLoopOptions>();
expectTypeOf<LateRule>().toEqualTypeOf<'hold' | 'repeat' | 'stop'>();
expectTypeOf<ControlLoop['metrics']>().toEqualTypeOf<ControlMetrics>();
expectTypeOf<keyof ControlEvents>().toBeString();

// A loop without a rule for late ticks, or without a way to stop the robot, does not compile.
expectTypeOf<Omit<ControlLoopOptions, 'late'>>().not.toExtend<ControlLoopOptions>();
expectTypeOf<Omit<ControlLoopOptions, 'onStop'>>().not.toExtend<ControlLoopOptions>();
