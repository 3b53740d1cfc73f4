import { describe, expect, it } from 'vitest';
import { entryKey, type JournalHeader, journalLine, readJournal } from '../../src/evaluation/journal.js';
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

const FILE = 'episodes.jsonl';

/** A line of an episode with other values. */
function changed(values: object): string {
  return `${JSON.stringify({ strategy: 'step:2', episode: { ...(episode(3).episode as object), ...values } })}\n`;
}

describe('a journal', () => {
  const text = journalLine(HEADER) + journalLine(episode(1)) + journalLine(episode(2));

  it('gives the episodes back, by strategy and seed', () => {
    const { episodes, damaged, isCutOff } = readJournal(text, HEADER, FILE);
    expect([...episodes.keys()]).toEqual(['step:2']);
    expect([...episodes.get('step:2')!.keys()]).toEqual([1, 2]);
    expect(episodes.get('step:2')!.get(2)).toEqual(episode(2).episode);
    expect([damaged, isCutOff]).toEqual([[], false]);
  });

  it('keeps episodes of one strategy through other networks apart', () => {
    const through = (network?: string): string => journalLine({ ...episode(1), ...(network === undefined ? {} : { network }) } as never);
    const { episodes } = readJournal(journalLine(HEADER) + through('a1') + through('b2') + through(), HEADER, FILE);
    expect([...episodes.keys()]).toEqual([entryKey('step:2', 'a1'), entryKey('step:2', 'b2'), 'step:2']);
    expect(new Set(episodes.keys()).size).toBe(3);
    const wrong = `${JSON.stringify({ ...episode(1), network: 5 })}\n`;
    expect(() => readJournal(journalLine(HEADER) + wrong, HEADER, FILE)).toThrow('network must be a text, found 5');
  });

  it('gives an episode back with all that it may have', () => {
    const whole = { failure: 'Error: no', replay: { states: [1, 2], targets: [0.5], decisionTicks: [0], stalledDecisions: [] } };
    expect(
      readJournal(text + changed(whole), HEADER, FILE)
        .episodes.get('step:2')!
        .get(3),
    ).toMatchObject(whole);
  });

  it('loses no more than the line that was cut off, wherever it was', () => {
    for (let end = journalLine(HEADER).length; end < text.length; end++) {
      const { episodes, isCutOff } = readJournal(text.slice(0, end), HEADER, FILE);
      const found = episodes.get('step:2')?.size ?? 0;
      const whole = text
        .slice(0, end + 1)
        .split('\n')
        .slice(1, -1).length;
      expect(found).toBe(Math.max(whole, found));
      expect(found - whole).toBeLessThanOrEqual(1);
      expect(isCutOff).toBe(!text.slice(0, end).endsWith('\n') && text[end] !== '\n');
    }
  });

  const DAMAGED: readonly [string, string][] = [
    ['null\n', 'expected an object, found null'],
    ['5\n', 'expected an object, found 5'],
    ['{"strategy":"step:2","epi\n', 'it is not JSON'],
    ['\n', 'it is not JSON'],
    ['{}\n', 'strategy must be a text, found nothing'],
    ['{"strategy":"step:2"}\n', 'an episode must be an object, found nothing'],
    ['{"strategy":"step:2","episode":{"score":1}}\n', 'seed must be a whole number of at least 0, found nothing'],
    ['{"strategy":"step:2","episode":{"seed":3,"score":0.5}}\n', 'success must be true or false, found nothing'],
    [changed({ score: 1e308 }), 'score must be a number from 0 to 1, found 1e+308'],
    [changed({ score: null }), 'score must be a number from 0 to 1, found null'],
    [changed({ seed: -1 }), 'seed must be a whole number of at least 0, found -1'],
    [changed({ jumps: [1, null] }), 'jumps must be a list of finite numbers, found a list of 2'],
    [changed({ rewards: [] }), 'rewards must be one for each of 1 ticks, found 0'],
    [changed({ ticks: 301, rewards: Array(301).fill(0) }), 'ticks must be at most 300, found 301'],
    [changed({ failure: 7 }), 'failure must be a text, found 7'],
    [changed({ replay: { states: [1] } }), 'replay.targets must be a list of finite numbers, found nothing'],
    [changed({ success: '\u001b[2J' }), 'success must be true or false, found "\\u001b[2J"'],
  ];

  it.each(DAMAGED)('names the line that is no entry, and leaves it out on demand: %s', (line, problem) => {
    const damaged = text + line + journalLine(episode(4));
    expect(() => readJournal(damaged, HEADER, FILE)).toThrow(OptionError);
    expect(() => readJournal(damaged, HEADER, FILE)).toThrow(
      `${FILE}: line 4 is no episode of this evaluation: ${problem}. Give --skip-damaged to run the episodes of such lines again`,
    );
    const { episodes, damaged: lines } = readJournal(damaged, HEADER, FILE, true);
    expect([...episodes.get('step:2')!.keys()]).toEqual([1, 2, 4]);
    expect(lines).toEqual([{ line: 4, problem }]);
  });

  it('names a few of many lines, and tells how many there are', () => {
    expect(() => readJournal(text + '5\n'.repeat(1000), HEADER, FILE)).toThrow(
      /line 4 .*; line 5 .*; line 6 .*; and 997 more such lines\. Give/,
    );
  });

  it.each<[string, JournalHeader, RegExp]>([
    ['another checkpoint', { ...HEADER, fingerprint: { ...HEADER.fingerprint, policy: 'b2' } }, /policy was a1, now it is b2/],
    ['a predictor beside it', { ...HEADER, fingerprint: { ...HEADER.fingerprint, predictor: 'c3' } }, /predictor was none, now it is c3/],
    ['another length', { ...HEADER, maxTicks: 200 }, /maxTicks was 300, now it is 200/],
  ])('is refused for %s, with what differs', (_, header, message) => {
    expect(() => readJournal(text, header, 'episodes.jsonl')).toThrow(OptionError);
    expect(() => readJournal(text, header, 'episodes.jsonl')).toThrow(message);
  });

  it('is refused for another version of the simulator, and gone on with where it was written before that was told', () => {
    const of = (simulator: string): JournalHeader => ({ ...HEADER, fingerprint: { ...HEADER.fingerprint, simulator } });
    const told = text.replace(journalLine(HEADER), journalLine(of('MuJoCo 3.14.0')));
    expect(() => readJournal(told, of('MuJoCo 3.15.0'), FILE)).toThrow(/simulator was MuJoCo 3\.14\.0, now it is MuJoCo 3\.15\.0/);
    expect(() => readJournal(told, HEADER, FILE)).toThrow(/simulator was MuJoCo 3\.14\.0, now it is none/);
    expect(readJournal(told, of('MuJoCo 3.14.0'), FILE)).toEqual(readJournal(text, HEADER, FILE));
    expect(readJournal(text, of('MuJoCo 3.14.0'), FILE)).toEqual(readJournal(text, HEADER, FILE));
  });

  it('is refused with what differs, whatever its header holds', () => {
    const hostile = { toString: 1, valueOf: 2 };
    const line = JSON.stringify({
      ...HEADER,
      task: hostile,
      fingerprint: { ...HEADER.fingerprint, policy: hostile, ['x'.repeat(500)]: 1 },
    });
    expect(() => readJournal(`${line}\n`, HEADER, FILE)).toThrow(/policy was \{"toString":1,"valueOf":2\}, now it is a1; x{60} was 1, now/);
  });

  it('is refused where it is something else', () => {
    for (const other of ['', 'hello\n', 'null\n', '[]\n', '{"format":"other"}\n']) {
      expect(() => readJournal(other, HEADER, 'episodes.jsonl')).toThrow(/episodes.jsonl is no journal of an evaluation/);
    }
  });
});
