/** What the package offers of this folder. */
export type { Clock } from './clock.js';
export { ControlLoop, type EpisodeStart } from './control-loop.js';
export type { DecidedChunk, DecisionSource, DecisionSourceInfo } from './decision-source.js';
export type { ActionSource, ControlEvents, DeadlineMissEvent, DecisionEvent, LimitEvent, StopReason, TickEvent } from './events.js';
export type { ActionLimits, LimitHit, PerDimension } from './limits.js';
export type { ControlMetrics, Distribution } from './metrics.js';
export type { ControlLoopOptions, LateRule } from './options.js';
export type { ActionInfo, Send } from './sender.js';
