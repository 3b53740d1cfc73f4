/**
 * `warmstep/evaluation`: strategies side by side, in closed loop on a task: scores, latencies, and their report; and a policy without training
 * to compare with.
 */

export type { Environment, EnvironmentStep, PolicyOfTask, Task, TaskEnvironment, TaskKind } from '../envs/environment.js';
export { EnvironmentLostError } from '../envs/environment.js';
export type { Scene, SceneAxis, SceneBoard, SceneMoment, ScenePart } from '../envs/scene.js';
export { TASKS } from '../envs/tasks.js';
export { type EvaluateOptions, evaluate } from '../evaluation/evaluate.js';
export type { EvaluatedPolicy } from '../evaluation/evaluated-policy.js';
export { type Latencies, type LatencyOptions, measureLatency } from '../evaluation/latency.js';
export { type DecisionMoment, type PlayOptions, playEpisode } from '../evaluation/play.js';
export type {
  EpisodeRecord,
  EvaluationRecord,
  GridAxis,
  LatencyRecord,
  LeftOutStrategy,
  Replay,
  StrategyGrid,
  StrategyRecord,
} from '../evaluation/record.js';
export { renderReport } from '../evaluation/report/render.js';
export type { PairedDifference, Quantiles } from '../evaluation/statistics.js';
export {
  type Agreement,
  compareWithReference,
  type Estimate,
  type ReferenceScores,
  type StrategySummary,
  summarize,
} from '../evaluation/summary.js';
export { type KernelDemonstrations, type KernelObservation, readDemonstrations } from '../mixture/demonstrations.js';
export { type KernelPolicy, type KernelPolicyInfo, type KernelPolicyOptions, kernelPolicy } from '../mixture/kernel-policy.js';
