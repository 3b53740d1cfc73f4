import type { Task } from '../envs/environment.js';
import { OptionError } from '../foundation/errors.js';
import {
  checkChoice,
  checkInteger,
  checkList,
  checkMethods,
  checkNumber,
  checkObject,
  checkText,
  checkToggle,
} from '../foundation/options.js';
import type { DecisionCost } from '../policy/decision-result.js';
import type { NamedStrategy } from '../strategies/strategy-options.js';
import { RECORD_PRECISIONS } from './evaluated-policy.js';
import type { EpisodeRecord, EvaluationRecord, LatencyRecord, RecordShard } from './record.js';

/** A report has a column for each. */
const MOST_TICKS = 1_000_000;
/** As the command line has it. */
const MOST_SHARDS = 1_000_000;

/** A policy, or what answers like one. @throws OptionError. */
export function checkPolicy(where: string, policy: unknown): void {
  checkMethods(where, 'the policy', policy, 'a Policy', ['beginEpisode', 'decideAll']);
}

/** @throws OptionError. */
export function checkTask(where: string, task: Task): void {
  checkMethods(where, 'task', task, 'a task, whether of this package or your own', ['create']);
  checkText(where, "the task's name", task.name);
  checkInteger(where, "the task's maxTicks", task.maxTicks, 1, Number.MAX_SAFE_INTEGER);
  if (task.simulator !== undefined) checkText(where, "the task's simulator", task.simulator);
}

/** @throws OptionError. */
export function checkStrategy(where: string, strategy: NamedStrategy): void {
  checkObject(where, 'strategy', strategy);
  checkText(where, "the strategy's name", strategy.name);
  checkObject(where, "the strategy's options", strategy.options);
}

/** @throws OptionError: a record of another shape would end in NaN, or in an error from deep inside. */
export function checkRecord(where: string, record: EvaluationRecord): void {
  checkObject(where, 'the record', record);
  if (record.format !== 'warmstep-evaluation' || record.version !== 1) {
    throw new OptionError(`${where}: the record must be of format "warmstep-evaluation", version 1.`);
  }
  for (const name of ['task', 'date', 'softwareVersion'] as const) checkText(where, `the record's ${name}`, record[name]);
  checkInteger(where, "the record's seed", record.seed, 0, Number.MAX_SAFE_INTEGER);
  checkInteger(where, "the record's episodes", record.episodes, 0, Number.MAX_SAFE_INTEGER);
  checkShard(where, record.shard);
  checkInteger(where, "the record's maxTicks", record.maxTicks, 1, MOST_TICKS);
  if (record.simulator !== undefined) checkText(where, "the record's simulator", record.simulator);
  checkObject(where, "the record's policy", record.policy);
  checkText(where, "the name of the record's policy", record.policy.name);
  checkNumber(where, "the parameters of the record's policy", record.policy.parameters, 'a number of at least 0', (count) => count >= 0);
  if (record.policy.predictor !== null) checkText(where, "the predictor of the record's policy", record.policy.predictor);
  checkChoice(where, "the record's precision", record.precision, RECORD_PRECISIONS);
  checkObject(where, "the record's adapter", record.adapter);
  checkText(where, "the description of the record's adapter", record.adapter.description);
  checkToggle(where, "isSoftware of the record's adapter", record.adapter.isSoftware);
  checkList(where, "the record's grids", record.grids, (grid) => {
    checkObject(where, 'a grid', grid);
    checkList(where, 'the axes of a grid', grid.axes, (axis) => {
      checkObject(where, 'an axis of a grid', axis);
      checkList(where, 'the values of an axis', axis.values);
    });
    checkList(where, 'the cells of a grid', grid.cells, (cell) => checkText(where, 'a cell of a grid', cell));
  });
  checkList(where, "the record's strategies", record.strategies, (strategy, index) => {
    const what = `strategy ${index} of the record`;
    checkObject(where, what, strategy);
    checkText(where, `the name of ${what}`, strategy.name);
    checkText(where, `the description of ${what}`, strategy.description);
    checkList(where, `the episodes of ${what}`, strategy.episodes, (episode) => checkEpisode(where, `an episode of ${what}`, episode));
    for (const latency of [strategy.latency, strategy.coldLatency]) checkLatency(where, `a latency of ${what}`, latency);
    checkCost(where, `the cost of ${what}`, strategy.cost);
  });
  if (record.leftOut === undefined) return;
  checkList(where, "the record's leftOut", record.leftOut, (left) => {
    checkObject(where, 'a strategy that was left out', left);
    checkText(where, 'the name of a strategy that was left out', left.name);
    checkText(where, 'why a strategy was left out', left.why);
  });
}

function checkCost(where: string, what: string, cost: DecisionCost | undefined): void {
  if (cost === undefined) return;
  checkObject(where, what, cost);
  for (const name of ['dispatches', 'weightBytes', 'trainedParameters'] as const) {
    checkInteger(where, `${name} of ${what}`, cost[name], 0, Number.MAX_SAFE_INTEGER);
  }
}

function checkShard(where: string, shard: RecordShard | undefined): void {
  if (shard === undefined) return;
  checkObject(where, "the record's shard", shard);
  checkInteger(where, "the count of the record's shard", shard.count, 1, MOST_SHARDS);
  checkInteger(where, "the index of the record's shard", shard.index, 1, shard.count);
  checkObject(where, "the fingerprint of the record's shard", shard.fingerprint);
}

function checkEpisode(where: string, what: string, episode: EpisodeRecord): void {
  checkObject(where, what, episode);
  for (const name of ['seed', 'ticks', 'decisions', 'evaluations', 'screening', 'stalls'] as const) {
    checkInteger(where, `${name} of ${what}`, episode[name], 0, Number.MAX_SAFE_INTEGER);
  }
  checkNumber(where, `score of ${what}`, episode.score, 'a finite number', Number.isFinite);
  checkToggle(where, `success of ${what}`, episode.success);
  for (const name of ['jumps', 'rewards'] as const) checkNumbers(where, `${name} of ${what}`, episode[name]);
  if (episode.failure !== undefined) checkText(where, `failure of ${what}`, episode.failure);
  if (episode.replay === undefined) return;
  checkObject(where, `replay of ${what}`, episode.replay);
  for (const name of ['states', 'targets', 'decisionTicks', 'stalledDecisions'] as const) {
    checkNumbers(where, `${name} of the replay of ${what}`, episode.replay[name]);
  }
}

function checkLatency(where: string, what: string, latency: LatencyRecord | undefined): void {
  if (latency === undefined) return;
  checkObject(where, what, latency);
  checkNumbers(where, `samplesMs of ${what}`, latency.samplesMs);
}

function checkNumbers(where: string, what: string, values: readonly number[]): void {
  checkList(where, what, values, (value) => checkNumber(where, what, value, 'finite numbers', Number.isFinite));
}
