/** `warmstep/training`: predictors and policies trained on demonstrations, in any runtime with WebGPU. */

export { DatasetError } from '../foundation/errors.js';
export type { ChunkSample } from '../training/loop/chunk-sample.js';
export type { CheckpointEvent, DoneEvent, EvaluationEvent, StepEvent, TrainingEvent } from '../training/loop/events.js';
export type { EvaluationPoint, RunHistory, StepPoint } from '../training/loop/history.js';
export type { MethodOptions } from '../training/loop/methods/define.js';
export { TRAINED_METHOD_NAMES, type TrainedMethodName } from '../training/loop/methods/kinds.js';
export { type TrainMethodOptions, trainMethod } from '../training/loop/methods/train-method.js';
export type { ImageEncoderOptions } from '../training/loop/own-encoder.js';
export type { HistoryDamage } from '../training/loop/predictor-batches.js';
export { type OptimizerSettings, PRESETS, type Preset } from '../training/loop/presets.js';
export { folderStorage, type MemoryStorage, memoryStorage, type RunStorage, type StoredFile } from '../training/loop/run-storage.js';
export { CVAE_RELEASES, type CvaeRelease, type CvaeSizes, type TrainCvaeOptions, trainCvae } from '../training/loop/train-cvae.js';
export type { TrainOptions } from '../training/loop/train-options.js';
export { type TrainPolicyOptions, trainPolicy, type UnetSizes } from '../training/loop/train-policy.js';
export { type PredictorSizes, type TrainPredictorOptions, trainPredictor } from '../training/loop/train-predictor.js';
export { type ReportFacts, renderTrainingReport } from '../training/report/render.js';
export type { BatchNormTraining, TrainingPrecision } from '../training/training-step.js';
