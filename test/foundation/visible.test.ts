import { describe, expect, it, vi } from 'vitest';
import { OptionError, ShaderError } from '../../src/foundation/errors.js';
import { inOneLine, visible, visibleLines } from '../../src/foundation/visible.js';
import { element, embeddedJson } from '../../src/report/html.js';
import { print, printAside, printError, printJson, printNote } from '../../src/terminal/output.js';
import { Progress } from '../../src/terminal/progress.js';
import { facts, table } from '../../src/terminal/table.js';

/** Everything that a name can do to a terminal, and what stands for it. */
const HOSTILE = [
  ['\x1b[31m', '\\u001b[31m'],
  ['\x07', '\\u0007'],
  ['\r', '\\r'],
  ['\n', '\\n'],
  ['\t', '\\t'],
  ['\0', '\\u0000'],
  ['\x7f', '\\u007f'],
  ['\x9b1m', '\\u009b1m'],
  ['\u202e', '\\u202e'],
  ['\u2066', '\\u2066'],
  ['\u2028', '\\u2028'],
  ['\u200b', '\\u200b'],
  ['\ufeff', '\\ufeff'],
  ['\u{e0041}', '\\udb40\\udc41'],
  ['\ud800', '\\ud800'],
] as const;
const ALL = HOSTILE.map(([raw]) => raw).join('');
const SEEN = HOSTILE.map(([, seen]) => seen).join('');
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

function captured(work: () => void): { stdout: string; stderr: string } {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    }),
  );
  try {
    work();
    return written;
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

describe('text of others', () => {
  it.each(HOSTILE)('%j is shown as %s', (raw, seen) => {
    expect(visible(`a${raw}b`)).toBe(`a${seen}b`);
  });

  it('is left as it is where it can be read: letters, signs and blanks of any script', () => {
    const text = 'ähnlich 中文 😀 e\u0301 − … "quoted" \\n <b> 5\u00a0%';
    expect(visible(text)).toBe(text);
    expect(visibleLines(`${text}\n\t${text}`)).toBe(`${text}\n\t${text}`);
  });

  it('in an error is one line, for whoever catches it, and in its stack', () => {
    const error = new OptionError(`tensor "${ALL}"`);
    expect(error.message).toBe(`tensor "${SEEN}"`);
    expect(error.stack?.split('\n')[0]).toBe(`OptionError: tensor "${SEEN}"`);
    // The text of a kernel has lines, and nothing else.
    expect(new ShaderError('line 1\nline 2\x1b').message).toBe('line 1\nline 2\\u001b');
  });

  it('begins no line of its own, and moves no cursor, in tables, facts, notes and progress', () => {
    expect(table(['a', 'b'], [[ALL, 'x']]).split('\n')).toHaveLength(3);
    expect(facts([['name', ALL]])).toBe(`name  ${SEEN}`);
    const { stderr } = captured(() => {
      printNote(ALL);
      new Progress().phase(ALL);
    });
    expect(stderr).toBe(`note: ${SEEN}\n${SEEN}\n`);
  });

  it('reaches neither stream raw, whatever prints it', () => {
    const { stdout, stderr } = captured(() => {
      print(ALL);
      printAside(ALL);
      printError(ALL);
    });
    for (const text of [stdout, stderr]) expect(text.replaceAll(/[\n\t]/g, '')).not.toMatch(UNSEEN);
  });

  it('in JSON is JSON of the same value', () => {
    const value = { [ALL]: [ALL, { nested: ALL }] };
    const { stdout } = captured(() => printJson(value));
    expect(stdout.replaceAll('\n', '')).not.toMatch(UNSEEN);
    expect(JSON.parse(stdout)).toEqual(value);
    expect(JSON.parse(embeddedJson(value))).toEqual(value);
  });

  it('is visible in reports', () => {
    expect(element('td', { title: `<${ALL}>` }).replaceAll(/[\n\t]/g, '')).not.toMatch(UNSEEN);
  });
});

it('what a driver says in several lines is words in one', () => {
  expect(inOneLine('buffer is invalid.\n - While calling [Device].CreateBuffer.\n')).toBe(
    'buffer is invalid. - While calling [Device].CreateBuffer.',
  );
});
