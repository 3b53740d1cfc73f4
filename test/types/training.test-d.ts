import { expectTypeOf } from 'vitest';
import {
  type RunHistory,
  type RunStorage,
  renderTrainingReport,
  type TrainCvaeOptions,
  type TrainingEvent,
  type TrainPolicyOptions,
  type TrainPredictorOptions,
  trainCvae,
  trainPolicy,
  trainPredictor,
} from '../../src/entries/training.js';

expectTypeOf(trainPredictor).parameter(0).toEqualTypeOf<TrainPredictorOptions>();
expectTypeOf(trainCvae).parameter(0).toEqualTypeOf<TrainCvaeOptions>();
expectTypeOf(trainPolicy).parameter(0).toEqualTypeOf<TrainPolicyOptions>();
expectTypeOf(trainPolicy).returns.resolves.toEqualTypeOf<RunHistory>();
expectTypeOf(renderTrainingReport).returns.toBeString();
expectTypeOf<TrainPolicyOptions['storage']>().toEqualTypeOf<RunStorage>();
expectTypeOf<Extract<TrainingEvent, { kind: 'step' }>['loss']>().toBeNumber();
