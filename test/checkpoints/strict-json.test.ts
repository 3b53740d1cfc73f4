import { describe, expect, it } from 'vitest';
import { parseStrictJson } from '../../src/checkpoints/strict-json.js';
import { CheckpointError } from '../../src/foundation/errors.js';
import { shown } from '../../src/foundation/shown.js';
import { seeded } from '../support/bounded-source.js';
import { processorTime } from '../support/processor-time.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const SYNTAX = /^file\.json: expected JSON, found a syntax error \(.* was expected at line \d+, column \d+\)\./;
const parse = (text: string): unknown => parseStrictJson(bytes(text), 'file.json');

describe('the JSON of checkpoints', () => {
  it.each([
    '{}',
    ' [ ] ',
    'null',
    '\t{"a" : [1, -0, 2.5e-3, 1E+2, "x", true, false, null, {"b": {}}],\r\n "c": "\\u00e9\\n\\"\\\\\\/"}\n',
    '{"__proto__": {"x": 1}, "constructor": 2, "toString": [], "": 0, "10": 1, "9": 2}',
    '"\u2028 \ud83d\ude00"',
    '1e999',
  ])('is what JSON.parse makes of it: %s', (text) => {
    expect(parse(text)).toStrictEqual(JSON.parse(text));
    expect(Object.getPrototypeOf(parse(`{"a": ${text}}`))).toBe(Object.prototype);
  });

  it('is refused wherever JSON.parse refuses it, in words and with the place', () => {
    const valid = '{"a": [1, -2.5e+3, "x\\n\\u0041", true], "bc": {"d": null}}';
    const random = seeded(11);
    const replacements = ['', '"', '\\', ',', ':', '{', '}', '[', ']', '0', '-', '.', 'e', 'u', ' ', '\n', '\u0001', '\u00a0'];
    let refused = 0;
    const outcomeOf = (read: () => unknown): unknown => {
      try {
        return JSON.stringify(read());
      } catch (error) {
        return error instanceof SyntaxError ? 'refused' : (error as Error).message;
      }
    };
    for (let run = 0; run < 10_000; run++) {
      let text = valid;
      for (let edits = random(2); edits >= 0; edits--) {
        const at = random(text.length);
        text = text.slice(0, at) + replacements[random(replacements.length)]! + text.slice(at + random(2));
      }
      const expected = outcomeOf(() => JSON.parse(text));
      const found = outcomeOf(() => parse(text));
      if (expected !== 'refused') {
        if (found !== expected) expect.unreachable(`${text} became ${String(found)}`);
        continue;
      }
      refused++;
      if (!SYNTAX.test(String(found))) expect.unreachable(`${text} gave ${String(found)}`);
    }
    expect(refused).toBeGreaterThan(3000);
    expect(() => parse('{"a": 1,\n "b": tru}')).toThrow('(a value was expected at line 2, column 7)');
    expect(() => parse('{"a": 01}')).toThrow('("," or "}" was expected at line 1, column 8)');
    expect(() => parse('')).toThrow('(a value was expected at line 1, column 1)');
    expect(() => parse('{} x')).toThrow('(the end of the text was expected at line 1, column 4)');
  });

  it('may hold what Python writes for numbers that JSON does not have', () => {
    expect(parse('[NaN, Infinity, -Infinity]')).toEqual([NaN, Infinity, -Infinity]);
    for (const text of ['-NaN', 'nan', 'Infinit', '+Infinity']) expect(() => parse(text)).toThrow('a syntax error');
  });

  it.each([
    ['depth', `${'['.repeat(33)}${']'.repeat(33)}`, 'expected JSON nested at most 32 levels deep, found more'],
    ['keys', `{${Array.from({ length: 20_001 }, (_, i) => `"${i}":0`).join()}}`, 'expected at most 20000 keys in a file, found more'],
    ['entries', `[${'0,'.repeat(50_000)}0]`, 'expected at most 50000 entries in the lists of a file, found more'],
    ['a name', `{"${'n'.repeat(1025)}": 0}`, 'expected names of at most 1024 characters, found 1025 in "nnn'],
  ])('has a limit of %s, which the error names', (_, text, message) => {
    expect(() => parse(text)).toThrow(CheckpointError);
    expect(() => parse(text)).toThrow(message);
  });

  it('takes what is just within its limits', () => {
    expect(parse(`${'['.repeat(32)}${']'.repeat(32)}`)).toBeInstanceOf(Array);
    expect(parse(`{"${'n'.repeat(1024)}": 0}`)).toBeInstanceOf(Object);
    expect(Object.keys(parse(`{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":0`).join()}}`) as object)).toHaveLength(20_000);
  });
});

describe('JSON of the largest size that is read', () => {
  const SIZE = 1024 * 1024;
  const fill = (unit: string, start: string, end: string): string => start + unit.repeat(Math.floor(SIZE / unit.length)) + end;

  it.each([
    ['spaces', fill(' ', '', '{}')],
    ['line breaks, and a mistake behind them', fill('\n', '', '?')],
    ['digits', fill('7', '', '')],
    ['an open text', fill('a', '"', '')],
    ['escapes', fill('\\u0041', '"', '"')],
    ['escaped quotes, not closed', fill('\\"', '["', '')],
    ['brackets', fill('[', '', '')],
    ['empty lists', fill('[],', '[', '0]')],
    ['keys', fill('"a":', '{', '')],
    ['objects with one key', fill('{"a":0},', '[', '0]')],
    ['minus signs', fill('-', '', '')],
  ])('is read or refused in time: %s', (_, text) => {
    const spent = processorTime();
    try {
      parseStrictJson(bytes(text), 'file.json');
    } catch (error) {
      expect(error).toBeInstanceOf(CheckpointError);
      expect((error as Error).message.length).toBeLessThan(300);
    }
    // Some tens of milliseconds; what is not linear takes minutes.
    expect(spent()).toBeLessThan(1000);
  });
});

describe('a value in a message', () => {
  it.each<[unknown, string]>([
    [undefined, 'nothing'],
    [null, 'null'],
    [-0.5, '-0.5'],
    [NaN, 'NaN'],
    ['a"b', '"a\\"b"'],
    [[1, 'x', null, -Infinity], '[1,"x",null,-Infinity]'],
    [{ a: [], b: { c: true } }, '{"a":[],"b":{"c":true}}'],
    [Array<number>(1e6).fill(1), `[${'1,'.repeat(29)}1…`],
    ['x'.repeat(1e6), `"${'x'.repeat(59)}…`],
  ])('is short: %#', (value, text) => {
    expect(shown(value)).toBe(text);
  });

  it('may be deeper than the stack', () => {
    let deep: unknown = 0;
    for (let i = 0; i < 1e5; i++) deep = [deep];
    expect(shown(deep)).toBe(`${'['.repeat(60)}…`);
  });
});
