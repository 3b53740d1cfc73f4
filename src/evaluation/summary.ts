import { OptionError } from '../foundation/errors.js';
import { checkList, checkNumber, checkObject } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';
import type { DecisionCost } from '../policy/decision-result.js';
import { checkRecord } from './check.js';
import { isScore } from './episode-check.js';
import type { EpisodeRecord, EvaluationRecord, StrategyRecord } from './record.js';
import {
  Bootstrap,
  type Interval,
  mean,
  type PairedDifference,
  pairedDifference,
  type Quantiles,
  quantiles,
  sampleVariance,
  wilsonInterval,
} from './statistics.js';

/** A mean over episodes with its 95 % interval. */
export interface Estimate {
  readonly mean: number;
  readonly interval: Interval;
}

/** The numbers of one strategy. What was not measured, or has nothing to be measured on, is undefined. */
export interface StrategySummary {
  readonly name: string;
  readonly description: string;
  readonly episodes: number;
  /** Mean over episodes of the largest reward, 0 … 1; bootstrap over episodes. */
  readonly score: Estimate;
  /** Scores against the first strategy of the record on the seeds that both have; undefined for the first itself. */
  readonly difference: PairedDifference | undefined;
  readonly successes: number;
  /** Share of episodes, 0 … 1; Wilson interval. */
  readonly successRate: Estimate;
  /** U-Net evaluations, screening included, cold decisions too. */
  readonly evaluationsPerDecision: number | undefined;
  /** The same per control step: of strategies that execute one action of a decision, as many; of others a fraction. */
  readonly evaluationsPerTick: number | undefined;
  /** Share of the evaluations that only compared candidates, 0 … 1. */
  readonly screeningShare: number;
  /** Milliseconds per decision. */
  readonly latency: Quantiles | undefined;
  readonly coldLatency: Quantiles | undefined;
  readonly cost: DecisionCost | undefined;
  /** Mean over all chunk borders of all episodes, normalised action space. */
  readonly jump: number | undefined;
  readonly stallsPerEpisode: number;
  readonly failures: number;
}

/** Scores by another implementation, as `scores.json` beside a checkpoint has them. */
export interface ReferenceScores {
  readonly scores: Readonly<Record<string, { readonly per_episode: readonly number[] }>>;
}

/** Whether two evaluations of the same strategy agree within what chance explains. */
export interface Agreement {
  readonly name: string;
  readonly mean: number;
  readonly referenceMean: number;
  /** mean − referenceMean. */
  readonly difference: number;
  readonly bound: number;
  readonly agrees: boolean;
}

/** Two correct implementations exceed so many standard errors in one comparison of a hundred. */
const AGREEMENT_BOUND = 2.6;

/** Strategies that the reference calls by other names. */
const REFERENCE_NAMES: Readonly<Record<string, string>> = {
  'dpm:2': 'dpm-solver++:2',
  'dpm:4': 'dpm-solver++:4',
  'stepeq:2': 'step:2/start=eq13',
  'stepeq:4': 'step:4/start=eq13',
};

/**
 * The numbers of every strategy, in the order of the record. An episode that failed counts with the score it had reached.
 * @throws OptionError for a strategy without episodes, and for a score that is none.
 */
export function summarize(record: EvaluationRecord): StrategySummary[] {
  checkRecord('summarize', record);
  return summariesOf(record, bootstrapsOf(record.seed));
}

/** Of a record that was checked, by bootstraps that may serve its leads too. @throws OptionError as `summarize`. */
export function summariesOf({ strategies }: EvaluationRecord, bootstrapOf: BootstrapOf): StrategySummary[] {
  const baseline = strategies[0];
  return strategies.map((strategy) => ({
    ...summarizeEpisodes(strategy, bootstrapOf),
    difference: strategy === baseline || !baseline ? undefined : difference(strategy, baseline, bootstrapOf),
    latency: quantiles(strategy.latency?.samplesMs ?? []),
    coldLatency: quantiles(strategy.coldLatency?.samplesMs ?? []),
    cost: strategy.cost,
  }));
}

/** The bootstrap over so many episodes. */
export type BootstrapOf = (count: number) => Bootstrap;

/** Bootstraps of a record's seed: each draws once, 10,000 times as many episodes, which is most of the time that a report takes. */
export function bootstrapsOf(seed: number): BootstrapOf {
  const bootstraps = new Map<number, Bootstrap>();
  return (count) => {
    const bootstrap = bootstraps.get(count) ?? new Bootstrap(count, seed);
    bootstraps.set(count, bootstrap);
    return bootstrap;
  };
}

/**
 * Scores of a strategy of a record that was summarised minus those of each of the others, seed by seed, by their places, with the intervals that
 * `summarize` gives by the same bootstraps; undefined for itself, and where there are no seeds in common.
 */
export function leadsOf(index: number, { strategies }: EvaluationRecord, bootstrapOf: BootstrapOf): (PairedDifference | undefined)[] {
  const one = strategies[index];
  return strategies.map((other) => (one === undefined || other === one ? undefined : difference(one, other, bootstrapOf)));
}

function summarizeEpisodes(
  { name, description, episodes }: StrategyRecord,
  bootstrapOf: BootstrapOf,
): Omit<StrategySummary, 'difference' | 'latency' | 'coldLatency' | 'cost'> {
  const count = episodes.length;
  if (count === 0) throw new OptionError(`strategy "${name}" has no episodes: evaluate at least one, or leave it out of the record`);
  const total = (value: (episode: EpisodeRecord) => number): number => episodes.reduce((sum, episode) => sum + value(episode), 0);
  const scores = episodes.map(({ score }) => score);
  checkScores(name, scores);
  const successes = episodes.filter(({ success }) => success).length;
  const decisions = total((episode) => episode.decisions);
  const evaluations = total((episode) => episode.evaluations);
  const ticks = total((episode) => episode.ticks);
  const jumps = episodes.flatMap((episode) => episode.jumps);
  return {
    name,
    description,
    episodes: count,
    score: { mean: mean(scores), interval: bootstrapOf(count).interval(scores) },
    successes,
    successRate: { mean: successes / count, interval: wilsonInterval(successes, count) },
    evaluationsPerDecision: decisions === 0 ? undefined : evaluations / decisions,
    evaluationsPerTick: ticks === 0 ? undefined : evaluations / ticks,
    screeningShare: evaluations === 0 ? 0 : total((episode) => episode.screening) / evaluations,
    jump: jumps.length === 0 ? undefined : mean(jumps),
    stallsPerEpisode: total((episode) => episode.stalls) / count,
    failures: episodes.filter(({ failure }) => failure !== undefined).length,
  };
}

/** Sums of others overflow, and say something that is not so. @throws OptionError that names the strategy. */
export function checkScores(strategy: string, scores: readonly number[]): void {
  const wrong = scores.findIndex((score) => !isScore(score));
  if (wrong >= 0)
    throw new OptionError(`strategy "${strategy}": score ${wrong + 1} must be a number from 0 to 1, found ${String(scores[wrong])}`);
}

function difference(strategy: StrategyRecord, baseline: StrategyRecord, bootstrapOf: BootstrapOf): PairedDifference | undefined {
  const scores = new Map(baseline.episodes.map(({ seed, score }) => [seed, score]));
  const pairs = strategy.episodes.flatMap(({ seed, score }) => {
    const other = scores.get(seed);
    return other === undefined ? [] : [{ score, other }];
  });
  if (pairs.length === 0) return undefined;
  return pairedDifference(
    pairs.map(({ score }) => score),
    pairs.map(({ other }) => other),
    bootstrapOf(pairs.length),
  );
}

/**
 * |difference of means| ≤ 2.6 · √(s₁²/n₁ + s₂²/n₂), with sample variances, for every strategy that both have with at least
 * two episodes (one has no variance); in the order of the record. @throws OptionError where sums of scores
 * are not finite.
 */
export function compareWithReference(record: EvaluationRecord, reference: ReferenceScores): Agreement[] {
  const where = 'compareWithReference';
  checkRecord(where, record);
  checkObject(where, 'the reference', reference);
  for (const [name, found] of Object.entries(checkObject(where, 'scores of the reference', reference.scores))) {
    checkObject(where, `scores of ${shownValue(name)}`, found);
    const { per_episode: scores } = found as { readonly per_episode: readonly number[] };
    checkList(where, `per_episode of ${shownValue(name)}`, scores, (score) =>
      checkNumber(where, 'a score', score, 'a finite number', Number.isFinite),
    );
  }
  const references = new Map(Object.entries(reference.scores).map(([name, found]) => [REFERENCE_NAMES[name] ?? name, found.per_episode]));
  return record.strategies.flatMap(({ name, episodes }) => {
    const scores = episodes.map(({ score }) => score);
    const others = references.get(name) ?? [];
    if (scores.length < 2 || others.length < 2) return [];
    const [ours, theirs] = [mean(scores), mean(others)];
    const bound = AGREEMENT_BOUND * Math.sqrt(sampleVariance(scores) / scores.length + sampleVariance(others) / others.length);
    // Infinity is not more than infinity: scores whose sums overflow would agree with anything.
    if (!(Math.abs(ours - theirs) < Infinity && bound < Infinity)) {
      throw new OptionError(
        `the scores of "${name}" and of its reference must be numbers from 0 to 1, found some whose sums are not finite`,
      );
    }
    return [{ name, mean: ours, referenceMean: theirs, difference: ours - theirs, bound, agrees: Math.abs(ours - theirs) <= bound }];
  });
}
