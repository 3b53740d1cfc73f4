import { expectTypeOf } from 'vitest';
import {
  type RunHistory,
  type RunStorage,
  renderTrainingReport,
  type TrainCvaeOptions,
  type TrainedMethodName,
  type TrainingEvent,
  type TrainMethodOptions,
  type TrainPolicyOptions,
  type TrainPredictorOptions,
  trainCvae,
  trainMethod,
  trainPolicy,
  trainPredictor,
} from '../../src/entries/training.js';

expectTypeOf(trainPredictor).parameter(0).toEqualTypeOf<TrainPredictorOptions>();
expectTypeOf(trainCvae).parameter(0).toEqualTypeOf<TrainCvaeOptions>();
expectTypeOf(trainPolicy).parameter(0).toEqualTypeOf<TrainPolicyOptions>();
expectTypeOf(trainMethod).parameter(0).toEqualTypeOf<TrainMethodOptions>();
expectTypeOf<TrainMethodOptions['method']>().toEqualTypeOf<TrainedMethodName>();
expectTypeOf(trainPolicy).returns.resolves.toEqualTypeOf<RunHistory>();
expectTypeOf(renderTrainingReport).returns.toBeString();
expectTypeOf<TrainPolicyOptions['storage']>().toEqualTypeOf<RunStorage>();
expectTypeOf<Extract<TrainingEvent, { kind: 'step' }>['loss']>().toBeNumber();
