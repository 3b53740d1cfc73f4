import { describe, expect, it } from 'vitest';
import { type JournalHeader, journalLine, readJournal } from '../../src/evaluation/journal.js';
import { OptionError } from '../../src/foundation/errors.js';

const HEADER: JournalHeader = {
  format: 'warmstep-evaluation-journal',
  version: 1,
  task: 'push-t',
  maxTicks: 300,
  fingerprint: { policy: 'a1', precision: 'f32', predictor: null },
};

function episode(seed: number): Parameters<typeof journalLine>[0] & { episode: object } {
  const record = {
    seed,
    score: 0.5,
    success: false,
    ticks: 1,
    decisions: 1,
    evaluations: 2,
    screening: 0,
    stalls: 0,
    jumps: [],
    rewards: [0.5],
  };
  return { strategy: 'step:2', episode: record };
}

describe('a journal', () => {
  const text = journalLine(HEADER) + journalLine(episode(1)) + journalLine(episode(2));

  it('gives the episodes back, by strategy and seed', () => {
    const found = readJournal(text, HEADER, 'episodes.jsonl');
    expect([...found.keys()]).toEqual(['step:2']);
    expect([...found.get('step:2')!.keys()]).toEqual([1, 2]);
    expect(found.get('step:2')!.get(2)).toEqual(episode(2).episode);
  });

  it('loses no more than the line that was cut off, wherever it was', () => {
    for (let end = journalLine(HEADER).length; end < text.length; end++) {
      const found = readJournal(text.slice(0, end), HEADER, 'episodes.jsonl').get('step:2');
      const whole = text
        .slice(0, end + 1)
        .split('\n')
        .slice(1, -1).length;
      expect(found?.size ?? 0).toBe(Math.max(whole, found?.size ?? 0));
      expect((found?.size ?? 0) - whole).toBeLessThanOrEqual(1);
    }
  });

  it.each(['null', '5', '{}', '{"strategy":"step:2"}', '{"strategy":"step:2","episode":{"score":1}}'])(
    'leaves out a line that is no entry: %s',
    (line) => {
      expect([...readJournal(`${text}${line}\n`, HEADER, 'episodes.jsonl').get('step:2')!.keys()]).toEqual([1, 2]);
    },
  );

  it.each<[string, JournalHeader, RegExp]>([
    ['another checkpoint', { ...HEADER, fingerprint: { ...HEADER.fingerprint, policy: 'b2' } }, /policy was a1, now it is b2/],
    ['a predictor beside it', { ...HEADER, fingerprint: { ...HEADER.fingerprint, predictor: 'c3' } }, /predictor was none, now it is c3/],
    ['another length', { ...HEADER, maxTicks: 200 }, /maxTicks was 300, now it is 200/],
  ])('is refused for %s, with what differs', (_, header, message) => {
    expect(() => readJournal(text, header, 'episodes.jsonl')).toThrow(OptionError);
    expect(() => readJournal(text, header, 'episodes.jsonl')).toThrow(message);
  });

  it('is refused where it is something else', () => {
    for (const other of ['', 'hello\n', '{"format":"other"}\n']) {
      expect(() => readJournal(other, HEADER, 'episodes.jsonl')).toThrow(/episodes.jsonl is no journal of an evaluation/);
    }
  });
});
