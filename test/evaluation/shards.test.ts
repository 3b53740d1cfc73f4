import { describe, expect, it } from 'vitest';
import type { EvaluationRecord, RecordShard } from '../../src/evaluation/record.js';
import { mergeShards, type RecordPart, seedsOf } from '../../src/evaluation/shards.js';
import { OptionError } from '../../src/foundation/errors.js';
import { SetupError } from '../../src/foundation/setup-error.js';
import { evaluationRecord } from '../support/evaluation-record.js';

const FINGERPRINT = { policy: 'a1', predictor: null };
const WHOLE_RECORD = evaluationRecord({ episodes: 10, replays: 3, grids: true });

/** What `--shard index/count` writes of the whole: its seeds, and latencies of part 1 alone. */
function part(
  index: number,
  count: number,
  changes: Partial<EvaluationRecord> = {},
  fingerprint: RecordShard['fingerprint'] = FINGERPRINT,
): RecordPart {
  const seeds = seedsOf(WHOLE_RECORD.seed, WHOLE_RECORD.episodes, { index, count });
  const strategies = WHOLE_RECORD.strategies.map(({ latency, coldLatency, ...strategy }) => ({
    ...strategy,
    episodes: strategy.episodes.filter(({ seed }) => seeds.includes(seed)),
    ...(index === 1 ? { ...(latency ? { latency } : {}), ...(coldLatency ? { coldLatency } : {}) } : {}),
  }));
  return { name: `part-${index}`, record: { ...WHOLE_RECORD, shard: { index, count, fingerprint }, strategies, ...changes } };
}

const merged = (...parts: RecordPart[]) => mergeShards(parts);

describe('parts of an evaluation', () => {
  it('share all seeds, each in one part, in turn', () => {
    expect(seedsOf(100, 7, { index: 1, count: 3 })).toEqual([100, 103, 106]);
    expect(seedsOf(100, 7, { index: 3, count: 3 })).toEqual([102, 105]);
    expect(seedsOf(5, 3, { index: 1, count: 1 })).toEqual([5, 6, 7]);
  });

  it.each([1, 2, 3, 4, 10])('of %i give the record of the undivided evaluation, byte for byte, in any order', (count) => {
    const parts = Array.from({ length: count }, (_, i) => part(i + 1, count)).reverse();
    expect(JSON.stringify(mergeShards(parts))).toBe(JSON.stringify(WHOLE_RECORD));
  });

  it('are dated by the last of them', () => {
    const late = part(1, 2, { date: '2025-07-01T00:00:00.000Z' });
    expect(merged(late, part(2, 2)).date).toBe('2025-07-01T00:00:00.000Z');
  });
});

describe('what is no evaluation when put together', () => {
  const refused: readonly (readonly [string, readonly RecordPart[], string | RegExp])[] = [
    ['nothing', [], 'there are no parts to merge'],
    ['a whole one', [{ name: 'whole', record: WHOLE_RECORD }], 'whole is a whole evaluation, and no part of one'],
    ['a part that is missing', [part(1, 3), part(3, 3)], 'of 3 parts, 2 is missing: run with --shard 2/3'],
    ['parts that are missing', [part(2, 3)], 'of 3 parts, 1, 3 are missing'],
    ['a part that is there twice', [part(1, 2), part(1, 2)], 'part-1 and part-1 are both part 1 of 2'],
    ['parts of other divisions', [part(1, 2), part(2, 3)], 'part-2 is one of 3 parts, part-1 one of 2'],
    [
      'other weights',
      [part(1, 2), part(2, 2, {}, { policy: 'b2', predictor: null })],
      'policy is "a1" in the first and "b2" in the second',
    ],
    ['another adapter', [part(1, 2), part(2, 2, { adapter: { description: 'other', isSoftware: true } })], /adapter is .*"other"/],
    ['another task', [part(1, 2), part(2, 2, { task: 'lift' })], 'task is "push-t" in the first and "lift" in the second'],
    [
      'another simulator',
      [part(1, 2), part(2, 2, { simulator: 'MuJoCo 3.14.0' })],
      'simulator is none in the first and "MuJoCo 3.14.0" in the',
    ],
    ['another version', [part(1, 2), part(2, 2, { softwareVersion: '0.0.1' })], 'softwareVersion is "0.1.0" in the first'],
    ['other strategies', [part(1, 2), part(2, 2, { strategies: part(2, 2).record.strategies.slice(1) })], 'strategies is'],
    ['a shard that is none', [part(3, 2)], "the index of the record's shard must be"],
  ];
  it.each(refused)('%s', (_, parts, message) => {
    expect(() => mergeShards(parts)).toThrow(OptionError);
    expect(() => mergeShards(parts)).toThrow(message);
  });

  it('a part that is there twice: whatever lies in it, who gives it has the command line wrong', () => {
    expect(() => mergeShards([part(1, 2), part(1, 2)])).not.toThrow(SetupError);
    expect(() => mergeShards([part(1, 3), part(3, 3)])).toThrow(SetupError);
  });

  it('parts that lack an episode, or have one of another part', () => {
    const { record } = part(2, 2);
    const change = (episodes: (typeof record.strategies)[0]['episodes']): RecordPart => ({
      name: 'part-2',
      record: { ...record, strategies: record.strategies.map((strategy, i) => (i === 1 ? { ...strategy, episodes } : strategy)) },
    });
    const { episodes } = record.strategies[1]!;
    expect(() => merged(part(1, 2), change(episodes.slice(1)))).toThrow('part-2: the episodes of ddpm:100 must be those of 5 seeds');
    expect(() => merged(part(1, 2), change(part(1, 2).record.strategies[1]!.episodes))).toThrow('and not seed 100001 where it belongs');
  });
});
