import { expectTypeOf } from 'vitest';
import {
  type CheckpointSource,
  type ComputeDevice,
  type Episode,
  loadPolicy,
  type Observation,
  OptionError,
  type Policy,
  type PolicyInfo,
  type Precision,
  parseStrategies,
  parseStrategy,
  type StrategyOptions,
  type VariantTable,
  WarmstepError,
} from '../../src/entries/core.js';

expectTypeOf(loadPolicy).returns.resolves.toEqualTypeOf<Policy>();
expectTypeOf(loadPolicy).parameter(0).toEqualTypeOf<CheckpointSource>();
// @ts-expect-error A path is no source here: folders are Node's.
void loadPolicy('checkpoints/pusht-state/policy');

expectTypeOf<Policy['act']>().parameter(0).toEqualTypeOf<Observation>();
expectTypeOf<Policy['act']>().returns.resolves.toEqualTypeOf<Float32Array>();
expectTypeOf<Policy['info']>().toEqualTypeOf<PolicyInfo>();
expectTypeOf<Policy['beginEpisode']>().returns.toEqualTypeOf<Episode>();
expectTypeOf<Policy['useStrategy']>().parameter(0).toEqualTypeOf<StrategyOptions>();
expectTypeOf<Policy['dispose']>().returns.resolves.toBeVoid();
expectTypeOf<PolicyInfo['precision']>().toEqualTypeOf<Precision>();
expectTypeOf<Precision>().toEqualTypeOf<'f32' | 'f16' | 'int8'>();
expectTypeOf<{ readonly 'observation.state': number[] }>().toExtend<Observation>();

expectTypeOf<{ name: 'STEP'; budget: 2 }>().toExtend<StrategyOptions>();
expectTypeOf<{ name: 'DDIM'; steps: 10 }>().toExtend<StrategyOptions>();
expectTypeOf<{ name: 'ddim' }>().not.toExtend<StrategyOptions>();
expectTypeOf<{ name: 'DPM-Solver++'; solverType: 'heun' }>().toExtend<StrategyOptions>();
expectTypeOf<{ name: 'DPM-Solver++'; solverType: 'euler' }>().not.toExtend<StrategyOptions>();
expectTypeOf<{ name: 'Consistency'; steps: 3; chaining: 'raw' }>().toExtend<StrategyOptions>();
expectTypeOf<{ name: 'OneDP'; clip: null }>().toExtend<StrategyOptions>();
expectTypeOf(parseStrategy).parameter(0).toBeString();
expectTypeOf(parseStrategies).parameter(0).toBeString();

expectTypeOf<OptionError>().toExtend<WarmstepError>();
expectTypeOf(new OptionError('')).toExtend<Error>();
expectTypeOf(WarmstepError).toBeConstructibleWith('', { cause: 1 });
expectTypeOf<ComputeDevice['dispose']>().toBeFunction();
expectTypeOf<VariantTable>().toBeObject();
