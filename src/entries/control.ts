/** `warmstep/control`: a fixed tick around anything that decides, pure but for its clock. */

export type { Clock } from '../control/clock.js';
export { ControlLoop, type EpisodeStart } from '../control/control-loop.js';
export type { DecidedChunk, DecisionSource, DecisionSourceInfo } from '../control/decision-source.js';
export type {
  ActionEvent,
  ActionInfo,
  ActionSource,
  ControlEvents,
  DeadlineMissEvent,
  DecisionEvent,
  LimitEvent,
  ObservationEvent,
  StopReason,
  TickEvent,
} from '../control/events.js';
export type { ActionLimits, LimitHit, PerDimension } from '../control/limits.js';
export type { ControlMetrics, Distribution } from '../control/metrics.js';
export type { ControlLoopOptions, LateRule } from '../control/options.js';
export type { Send } from '../control/sender.js';
export type { PrepareChoice, PrepareOptions } from '../spec/prepare-options.js';
