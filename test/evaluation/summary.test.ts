import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { EpisodeRecord, EvaluationRecord, StrategyRecord } from '../../src/evaluation/record.js';
import { compareWithReference, type ReferenceScores, type StrategySummary, summarize } from '../../src/evaluation/summary.js';
import { OptionError } from '../../src/foundation/errors.js';
import { evaluationRecord } from '../support/evaluation-record.js';

const REFERENCE = JSON.parse(
  readFileSync(new URL('../../checkpoints/pusht-state/scores.json', import.meta.url), 'utf8'),
) as ReferenceScores;

function episode(seed: number, score: number, rest: Partial<EpisodeRecord> = {}): EpisodeRecord {
  return {
    seed,
    score,
    success: score === 1,
    ticks: 8,
    decisions: 1,
    evaluations: 2,
    screening: 0,
    stalls: 0,
    jumps: [],
    rewards: [score],
    ...rest,
  };
}

function strategy(name: string, episodes: readonly EpisodeRecord[], rest: Partial<StrategyRecord> = {}): StrategyRecord {
  return { name, description: name, options: { name: 'DDIM' }, episodes, ...rest };
}

function recordOf(...strategies: readonly StrategyRecord[]): EvaluationRecord {
  return { ...evaluationRecord({ characters: [], episodes: 0 }), strategies };
}

function withScores(name: string, scores: readonly number[]): StrategyRecord {
  return strategy(
    name,
    scores.map((score, index) => episode(100_000 + index, score)),
  );
}

function onlySummary(found: StrategyRecord): StrategySummary {
  return summarize(recordOf(found))[0] as StrategySummary;
}

describe('summary of a strategy', () => {
  it('has the mean score, the share of successes, and their intervals', () => {
    const { score, successes, successRate, episodes } = onlySummary(withScores('a', [1, 0.5, 0, 0.5]));
    expect([episodes, score.mean, successes, successRate.mean]).toEqual([4, 0.5, 1, 0.25]);
    expect(score.interval.low).toBeLessThan(0.3);
    expect(successRate.interval.high).toBeCloseTo(0.6994, 3);
  });

  it('divides by decisions, evaluations, borders and episodes, each where it belongs', () => {
    const found = onlySummary(
      strategy('a', [
        episode(1, 1, { decisions: 3, evaluations: 30, screening: 10, stalls: 2, jumps: [0.1, 0.3] }),
        episode(2, 0, { decisions: 1, evaluations: 10, screening: 0, stalls: 1, jumps: [0.8] }),
      ]),
    );
    expect(found.evaluationsPerDecision).toBe(10);
    expect(found.screeningShare).toBe(0.25);
    expect(found.stallsPerEpisode).toBe(1.5);
    expect(found.jump).toBeCloseTo(0.4, 12);
  });

  it('counts a failed episode with the score it had reached', () => {
    const found = onlySummary(strategy('a', [episode(1, 1), episode(2, 0.5, { failure: 'not finite' })]));
    expect([found.failures, found.score.mean, found.successes]).toEqual([1, 0.75, 1]);
  });

  it('has latencies where they were measured, and no numbers where there is nothing to measure', () => {
    const found = onlySummary(
      strategy('a', [episode(1, 0, { decisions: 0, evaluations: 0 })], {
        latency: { samplesMs: [3, 1, 2] },
        coldLatency: { samplesMs: [] },
      }),
    );
    expect(found.latency).toEqual({ count: 3, p50: 2, p95: 3, p99: 3 });
    expect(found.coldLatency).toBeUndefined();
    expect(found.jump).toBeUndefined();
    expect(found.evaluationsPerDecision).toBeUndefined();
    expect(found.screeningShare).toBe(0);
  });

  it('is refused without episodes', () => {
    expect(() => summarize(recordOf(withScores('ddim:10', [])))).toThrow(OptionError);
    expect(() => summarize(recordOf(withScores('ddim:10', [])))).toThrow('"ddim:10" has no episodes');
  });
});

describe('difference to the first strategy', () => {
  it('pairs by seed, whatever the order, over the seeds that both have', () => {
    const baseline = strategy('a', [episode(1, 0.1), episode(2, 0.5), episode(3, 0.9)]);
    const other = strategy('b', [episode(3, 1), episode(4, 0), episode(2, 0.5)]);
    const [first, second] = summarize(recordOf(baseline, other));
    expect(first?.difference).toBeUndefined();
    expect(second?.difference).toMatchObject({ wins: 1, ties: 1, losses: 0 });
    expect(second?.difference?.mean).toBeCloseTo(0.05, 12);
  });

  it('is undefined without seeds in common', () => {
    const [, second] = summarize(recordOf(strategy('a', [episode(1, 1)]), strategy('b', [episode(2, 1)])));
    expect(second?.difference).toBeUndefined();
  });
});

it.each([1e308, -0.1, 1.5])('a score of %d is refused, never averaged', (score) => {
  expect(() => summarize(recordOf(withScores('a', [0.5, score])))).toThrow(
    `strategy "a": score 2 must be a number from 0 to 1, found ${score}`,
  );
});

it('a score of NaN is refused, never averaged', () => {
  expect(() => summarize(recordOf(withScores('a', [0.5, Number.NaN])))).toThrow(
    'summarize: score of an episode of strategy 0 of the record must be a finite number, found NaN',
  );
});

it('a summary of the same record is the same, every time', () => {
  expect(summarize(evaluationRecord())).toEqual(summarize(evaluationRecord()));
});

describe('agreement with a reference', () => {
  const referenceOf = (name: string): readonly number[] => (REFERENCE.scores[name] as ReferenceScores['scores'][string]).per_episode;

  it('holds for the reference itself, and finds strategies that it calls by other names', () => {
    const record = recordOf(
      withScores('ddpm:100', referenceOf('ddpm:100')),
      withScores('dpm-solver++:4', referenceOf('dpm:4')),
      withScores('step:2/start=eq13', referenceOf('stepeq:2')),
    );
    const rows = compareWithReference(record, REFERENCE);
    expect(rows.map(({ name, difference, agrees }) => [name, difference, agrees])).toEqual([
      ['ddpm:100', 0, true],
      ['dpm-solver++:4', 0, true],
      ['step:2/start=eq13', 0, true],
    ]);
  });

  it('is bounded by 2.6 standard errors of the difference, either way', () => {
    // Variances 1/2 and 1/2 over two episodes each: the bound is 2.6 · √(1/4 + 1/4).
    const reference = { scores: { a: { per_episode: [0, 1] } } };
    const compared = (scores: readonly number[]): unknown => compareWithReference(recordOf(withScores('a', scores)), reference)[0];
    expect(compared([1, 2])).toMatchObject({ mean: 1.5, referenceMean: 0.5, difference: 1, bound: 2.6 * Math.SQRT1_2, agrees: true });
    expect(compared([1.8, 2.8])).toMatchObject({ agrees: true });
    expect(compared([1.9, 2.9])).toMatchObject({ agrees: false });
    expect(compared([-1.9, -0.9])).toMatchObject({ agrees: false });
  });

  it('tells DDIM with two steps from DDIM with ten', () => {
    const [row] = compareWithReference(recordOf(withScores('ddim:10', referenceOf('ddim:2'))), REFERENCE);
    expect(row?.agrees).toBe(false);
  });

  it('is not claimed for scores whose sums overflow', () => {
    const reference = { scores: { a: { per_episode: [0, 1] } } };
    for (const scores of [
      [1e308, 1e308],
      [1e200, 0],
      [Number.NaN, 0],
    ]) {
      expect(() => compareWithReference(recordOf(withScores('a', scores)), reference)).toThrow(OptionError);
    }
  });

  it('leaves out what the reference does not have, and what has no variance', () => {
    expect(compareWithReference(recordOf(withScores('falcon', [1, 0]), withScores('step:2', [1])), REFERENCE)).toEqual([]);
  });
});
