import { describe, expect, it } from 'vitest';
import { TASKS } from '../../src/envs/tasks.js';
import type { EpisodeRecord, EvaluationRecord, StrategyRecord } from '../../src/evaluation/record.js';
import { COSTS, type Cost } from '../../src/evaluation/report/costs.js';
import { type ReportModel, reportModel } from '../../src/evaluation/report/model.js';
import { renderReport } from '../../src/evaluation/report/render.js';
import { type Verdict, verdictOf } from '../../src/evaluation/report/verdict.js';
import { bootstrapsOf, leadsOf, summarize } from '../../src/evaluation/summary.js';
import type { StrategyOptions } from '../../src/strategies/strategy-options.js';
import { evaluationRecord } from '../support/evaluation-record.js';
import { at } from '../support/toy.js';

interface Made {
  readonly options: StrategyOptions;
  /** Scores vary by a tenth around it, by the seed alone. */
  readonly score: number;
  readonly evaluations: number;
  readonly milliseconds?: number;
  /** Seeds from here on. Default 100000. */
  readonly firstSeed?: number;
  /** Control steps of a decision. */
  readonly ticks?: number;
}

const SEEDS = 20;
const [LATENCY, EVALUATIONS, PER_TICK] = COSTS as [Cost, Cost, Cost];

function strategyOf(name: string, { options, score, evaluations, milliseconds, firstSeed = 100_000, ticks = 8 }: Made): StrategyRecord {
  const episodes = Array.from(
    { length: SEEDS },
    (_, i): EpisodeRecord => ({
      seed: firstSeed + i,
      score: score + 0.05 * Math.sin(i),
      success: false,
      ticks: 2 * ticks,
      decisions: 2,
      evaluations: 2 * evaluations,
      screening: 0,
      stalls: 0,
      jumps: [0.1],
      rewards: [],
    }),
  );
  const latency = milliseconds === undefined ? {} : { latency: { samplesMs: [milliseconds] } };
  return { name, description: name, options, episodes, ...latency };
}

function recordOf(strategies: Readonly<Record<string, Made>>): EvaluationRecord {
  const list = Object.entries(strategies).map(([name, made]) => strategyOf(name, made));
  return { ...evaluationRecord({ characters: [], episodes: SEEDS }), strategies: list };
}

const modelOf = (strategies: Readonly<Record<string, Made>>): ReportModel => modelOfRecord(recordOf(strategies));

function modelOfRecord(record: EvaluationRecord): ReportModel {
  const scene = TASKS.get('push-t')?.scene;
  if (!scene) throw new Error('no scene');
  return reportModel(record, scene);
}

const first = (count: number, strategy: StrategyRecord): StrategyRecord => ({ ...strategy, episodes: strategy.episodes.slice(0, count) });

/** Of a list of episodes, all but so many fail. */
const failing =
  (sound: number) =>
  (episode: EpisodeRecord, i: number): EpisodeRecord =>
    i < sound ? episode : { ...episode, failure: 'broken' };

const names = (verdict: Verdict | undefined, part: 'beaten' | 'better' | 'equal' | 'dearer'): string[] =>
  (verdict?.[part] ?? []).map(({ row }) => row.summary.name);

const STEP: Made = { options: { name: 'STEP', budget: 2 }, score: 0.8, evaluations: 2, milliseconds: 10 };
const worse: Made = { options: { name: 'DDIM', steps: 2 }, score: 0.5, evaluations: 2, milliseconds: 9 };
const better: Made = { options: { name: 'OneDP' }, score: 0.9, evaluations: 1, milliseconds: 5 };
const dear: Made = { options: { name: 'DDPM' }, score: 0.9, evaluations: 100, milliseconds: 500 };
const near: Made = { options: { name: 'DDIM', steps: 4 }, score: 0.8, evaluations: 4, milliseconds: 10.9 };

describe('the question that a report opens with', () => {
  it('is about STEP with two evaluations, where there is something else', () => {
    expect(modelOf({ ddim: worse, step: STEP }).focus?.summary.name).toBe('step');
    expect(modelOf({ ddim: worse, step: { ...STEP, options: { name: 'STEP' } } }).focus?.summary.name).toBe('step');
    expect(modelOf({ ddim: worse, step: { ...STEP, options: { name: 'STEP', budget: 4 } } }).focus).toBeUndefined();
    expect(modelOf({ step: STEP, other: { ...STEP, options: { name: 'STEP', predictor: 'shift' } } }).focus).toBeUndefined();
  });

  it('is answered by those that cost at most as much, a tenth more included', () => {
    const verdict = verdictOf(modelOf({ step: STEP, ddim2: worse, dear }), LATENCY);
    expect(verdict?.answer).toBe('yes');
    expect([names(verdict, 'beaten'), names(verdict, 'dearer')]).toEqual([['ddim2'], ['dear']]);
    expect(names(verdictOf(modelOf({ step: STEP, near }), LATENCY), 'equal')).toEqual(['near']);
    expect(verdictOf(modelOf({ step: STEP, near: { ...near, milliseconds: 11.1 } }), LATENCY)?.answer).toBe('alone');
  });

  it('with no by one that is better, and left open by one that is not told apart', () => {
    const no = verdictOf(modelOf({ step: STEP, worse, better, near }), LATENCY);
    expect(no?.answer).toBe('no');
    expect([names(no, 'beaten'), names(no, 'better'), names(no, 'equal')]).toEqual([['worse'], ['better'], ['near']]);
    expect(verdictOf(modelOf({ step: STEP, worse, near }), LATENCY)?.answer).toBe('open');
    const apart = { ...worse, firstSeed: 200_000 };
    const unpaired = verdictOf(modelOf({ step: STEP, apart }), LATENCY);
    expect([unpaired?.answer, names(unpaired, 'equal')]).toEqual(['open', ['apart']]);
  });

  it('not at all by a few episodes, however far apart their scores are', () => {
    const answerOf = (count: number): string | undefined => {
      const made = recordOf({ step: STEP, worse, better });
      return verdictOf(modelOfRecord({ ...made, strategies: made.strategies.map((one) => first(count, one)) }), LATENCY)?.answer;
    };
    expect([answerOf(9), answerOf(10)]).toEqual(['few', 'no']);
  });

  it('not at all by the few episodes of a part of many, nor by many of which few did not fail', () => {
    const made = recordOf({ step: STEP, worse });
    const [step, other] = made.strategies as [StrategyRecord, StrategyRecord];
    const shard = { index: 1, count: 25, fingerprint: {} };
    const part = renderReport({ ...made, episodes: 50, shard, strategies: [first(2, step), first(2, other)] });
    expect(part).toContain('over 2 of 50 episodes</h1>');
    const failed = renderReport({ ...made, strategies: [step, { ...other, episodes: other.episodes.map(failing(9)) }] });
    for (const [page, episodes] of [
      [part, '2 episodes'],
      [failed, '9 episodes'],
    ] as const) {
      expect(page).toContain('<strong>Too few episodes to say.</strong>');
      expect(page).toContain(`<strong>${episodes}.</strong> Too few to know`);
      expect(page).not.toContain('<strong>Yes.</strong>');
    }
    expect(renderReport({ ...made, strategies: [step, { ...other, episodes: other.episodes.map(failing(10)) }] })).not.toContain('Too few');
  });

  it('by those within its cost alone, and not by a few pairs of many episodes', () => {
    const made = recordOf({ step: STEP, worse, dear });
    const [step, other, last] = made.strategies as [StrategyRecord, StrategyRecord, StrategyRecord];
    const answer = (strategies: readonly StrategyRecord[]): string | undefined =>
      verdictOf(modelOfRecord({ ...made, strategies }), LATENCY)?.answer;
    expect(answer([step, other, first(2, last)])).toBe('yes');
    expect(answer([step, strategyOf('later', { ...worse, firstSeed: 100_011 })])).toBe('few');
    expect(answer([step, strategyOf('later', { ...worse, firstSeed: 100_010 })])).toBe('yes');
  });

  it('by time with a word on it, where a processor played the GPU; what is counted needs none', () => {
    const made = recordOf({ step: STEP, worse });
    const notes = (isSoftware: boolean): number =>
      renderReport({ ...made, adapter: { ...made.adapter, isSoftware } }).split('played the GPU: on a GPU').length - 1;
    expect([notes(true), notes(false)]).toEqual([1, 0]);
  });

  it('by each measure for itself: one that decides for every control step is cheap by decision and dear by control step', () => {
    const single = { ...better, ticks: 1 };
    expect(verdictOf(modelOf({ step: STEP, single }), EVALUATIONS)?.answer).toBe('no');
    const perTick = verdictOf(modelOf({ step: STEP, single }), PER_TICK);
    expect([perTick?.answer, names(perTick, 'dearer')]).toEqual(['alone', ['single']]);
    const { milliseconds: _, ...unmeasured } = STEP;
    expect(verdictOf(modelOf({ step: unmeasured, worse }), LATENCY)).toBeUndefined();
  });

  it('stands before all else, with what is dearer in grey and the one in question marked', () => {
    const page = renderReport(recordOf({ step: STEP, 'a-dear-one': dear, 'a-cheap-one': worse }));
    expect(page.indexOf('id="frontier"')).toBeGreaterThan(page.indexOf('</h1>'));
    expect(page.indexOf('id="frontier"')).toBeLessThan(page.indexOf('id="about"'));
    expect(page).toContain('<strong>Yes.</strong>');
    const points = page.match(/<g class="point(?: grey)?"><title>[^:]*/g)?.map((point) => point.replace('<g class="', ''));
    expect(new Set(points)).toEqual(new Set(['point"><title>step', 'point grey"><title>a-dear-one', 'point"><title>a-cheap-one']));
    expect(page.match(/class="ring"/g)).toHaveLength(6);
    const plain = renderReport(recordOf({ 'a-dear-one': dear, 'a-cheap-one': worse }));
    expect(plain).not.toContain('class="verdict"');
    expect(plain).not.toContain('point grey');
    expect(plain.indexOf('id="frontier"')).toBeGreaterThan(plain.indexOf('id="about"'));
  });
});

describe('costs in the record', () => {
  const cost = { dispatches: 65, weightBytes: 17_700_000, trainedParameters: 1_250_000 };
  const record = recordOf({ step: STEP, worse });
  const [first, second] = record.strategies as [StrategyRecord, StrategyRecord];
  const costly = { ...record, strategies: [{ ...first, cost }, second], leftOut: [{ name: 'onedp', why: 'no <b>network</b>' }] };

  it('come into summary and report, and what was left out with its reason', () => {
    expect(at(summarize(costly), 0).cost).toEqual(cost);
    expect(at(summarize(costly), 0).evaluationsPerTick).toBe(0.25);
    const page = renderReport(costly);
    for (const text of ['17.7 MB', '1.25 M', 'Not evaluated:', 'no &lt;b&gt;network']) expect(page).toContain(text);
    expect(renderReport(record)).not.toMatch(/Weights read|Not evaluated/);
  });

  it.each([
    [
      'a cost that is none',
      { ...costly, strategies: [{ ...first, cost: { ...cost, weightBytes: -1 } }] },
      /weightBytes of the cost of strategy 0/,
    ],
    ['left out without a name', { ...costly, leftOut: [{ why: 'x' }] }, /the name of a strategy that was left out/],
  ])('are checked: %s', (_, wrong, message) => {
    expect(() => summarize(wrong as EvaluationRecord)).toThrow(message);
  });

  it('leads over others strategies are those of the summary', () => {
    const leads = leadsOf(1, { ...record, strategies: [first, second] }, bootstrapsOf(record.seed));
    expect(leads).toEqual([at(summarize(record), 1).difference, undefined]);
  });
});
