import { expectTypeOf } from 'vitest';
import {
  blobSource,
  type CheckpointSource,
  type CvaeCheckpoint,
  encodeSafetensors,
  loadMethodCheckpoint,
  loadPolicyCheckpoint,
  loadPredictorCheckpoint,
  loadStartCheckpoint,
  type MethodCheckpoint,
  type MethodConfig,
  memorySource,
  type PolicyCheckpoint,
  type PredictorCheckpoint,
  type SafetensorsFile,
  type WritableTensor,
} from '../../src/entries/checkpoints.js';
import { loadPolicy } from '../../src/entries/core.js';

// What both entries take is the same type, so a source can be looked into and then loaded.
expectTypeOf(loadPolicyCheckpoint).parameter(0).toEqualTypeOf<CheckpointSource>();
expectTypeOf(loadPolicy).parameter(0).toEqualTypeOf<CheckpointSource>();
expectTypeOf(loadPolicyCheckpoint).returns.resolves.toEqualTypeOf<PolicyCheckpoint>();
expectTypeOf(loadPredictorCheckpoint).returns.resolves.toEqualTypeOf<PredictorCheckpoint>();
expectTypeOf(loadMethodCheckpoint).returns.resolves.toEqualTypeOf<MethodCheckpoint>();
expectTypeOf<MethodConfig['type']>().toExtend<string>();
expectTypeOf(loadStartCheckpoint).returns.resolves.toEqualTypeOf<PredictorCheckpoint | CvaeCheckpoint>();
expectTypeOf(memorySource).returns.toExtend<CheckpointSource>();
expectTypeOf(blobSource).returns.toExtend<CheckpointSource>();
expectTypeOf<WritableTensor>().toBeObject();
expectTypeOf(encodeSafetensors).toBeFunction();
expectTypeOf<SafetensorsFile['readIntegers']>().returns.resolves.toEqualTypeOf<number[]>();
