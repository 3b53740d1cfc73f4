/** Files with a change or several, for what reads them: right results or the engine's errors, and nothing else. */

type Random = (limit: number) => number;

const ABSURD: readonly unknown[] = [
  null,
  true,
  -1,
  -0,
  0,
  0.5,
  1e308,
  5e-324,
  2 ** 53,
  2 ** 31,
  '',
  '\u001b[2J\n',
  '__proto__',
  [],
  {},
  [[]],
  [2 ** 40],
  Array<number>(1000).fill(2),
  { toString: 1, valueOf: 2 },
  'x'.repeat(2000),
];
/** As text, also what JSON has no value for. */
const ABSURD_TEXTS = [
  'NaN',
  'Infinity',
  '1e999',
  '-',
  '"',
  '[',
  '{',
  '}',
  ']',
  ',',
  ':',
  '\\',
  '\u0000',
  '\ufeff',
  '\ud800',
  '\n',
  '\r',
  '[[[[[[[[',
];

/** A JSON value in which one value was replaced, removed or doubled. */
export function mutatedJson(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random(8) === 0) return ABSURD[random(ABSURD.length)];
  const entries = Object.entries(value);
  if (entries.length === 0) return ABSURD[random(ABSURD.length)];
  const at = random(entries.length);
  const [key, chosen] = entries[at] as [string, unknown];
  switch (random(6)) {
    case 0:
      entries.splice(at, 1);
      break;
    case 1:
      entries.splice(at, 0, [Array.isArray(value) ? key : `${key}_`, chosen]);
      break;
    default:
      entries[at] = [key, mutatedJson(chosen, random)];
  }
  return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries);
}

/** A text with a part cut out, doubled, moved or replaced, at any place. */
export function mutatedText(text: string, random: Random): string {
  const [from, to] = [random(text.length + 1), random(text.length + 1)].sort((a, b) => a - b) as [number, number];
  const end = random(2) === 0 ? to : Math.min(text.length, from + 1 + random(8));
  const part = text.slice(from, end);
  const [before, after] = [text.slice(0, from), text.slice(end)];
  switch (random(5)) {
    case 0:
      return before + after;
    case 1:
      return before + part + part + after;
    case 2:
      return before;
    case 3:
      return after + before + part;
    default:
      return before + (ABSURD_TEXTS[random(ABSURD_TEXTS.length)] as string) + after;
  }
}

/** Bytes of which some between two places were flipped in a bit or overwritten; a few are cut off, or have others behind them. */
export function mutatedBytes(bytes: Uint8Array, from: number, to: number, random: Random): Uint8Array {
  const changed = bytes.slice();
  for (let edits = random(4) === 0 ? random(8) : 0; edits >= 0; edits--) {
    const at = from + random(to - from);
    if (random(2) === 0) changed[at] = (changed[at] as number) ^ (1 << random(8));
    else changed[at] = random(256);
  }
  switch (random(12)) {
    case 0:
      return changed.slice(0, random(changed.length));
    case 1: {
      const longer = new Uint8Array(changed.length + 1 + random(64));
      longer.set(changed);
      return longer;
    }
    default:
      return changed;
  }
}
