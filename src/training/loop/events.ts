import type { ChunkSample } from './chunk-sample.js';

/** An optimiser step was done whose metrics were read. */
export interface StepEvent {
  readonly kind: 'step';
  /** Steps done, this one included. */
  readonly step: number;
  readonly steps: number;
  /** Of the training rows; counted from 0, with the part of the present one that is over. */
  readonly epoch: number;
  /** Of its batch, before the update. */
  readonly loss: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Since the run began or went on, without evaluations and saving. */
  readonly stepsPerSecond: number;
  readonly secondsLeft: number;
}

/** What the network is worth by now. */
export interface EvaluationEvent {
  readonly kind: 'evaluation';
  readonly step: number;
  /** By name, e.g. `validation loss`, `error on unseen rows`, `score`. */
  readonly figures: Readonly<Record<string, number>>;
  readonly samples: readonly ChunkSample[];
}

/** The run was saved, and its result written. */
export interface CheckpointEvent {
  readonly kind: 'checkpoint';
  readonly step: number;
}

export interface DoneEvent {
  readonly kind: 'done';
  readonly step: number;
}

export type TrainingEvent = StepEvent | EvaluationEvent | CheckpointEvent | DoneEvent;
