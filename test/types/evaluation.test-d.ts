import { expectTypeOf } from 'vitest';
import {
  type EpisodeRecord,
  type EvaluationRecord,
  evaluate,
  measureLatency,
  renderReport,
  type StrategyRecord,
  summarize,
  type Task,
} from '../../src/entries/evaluation.js';

expectTypeOf(renderReport).parameter(0).toEqualTypeOf<EvaluationRecord>();
expectTypeOf(renderReport).returns.toBeString();
expectTypeOf<EvaluationRecord['strategies']>().items.toEqualTypeOf<StrategyRecord>();
expectTypeOf<StrategyRecord['episodes']>().items.toEqualTypeOf<EpisodeRecord>();
expectTypeOf<Task['maxTicks']>().toBeNumber();
for (const offered of [evaluate, measureLatency, summarize]) expectTypeOf(offered).toBeFunction();
