/** Characters of a value that a message shows. */
const MOST_CHARACTERS = 60;

/**
 * A value for a message: as JSON, cut to a readable length, with NaN and infinity as they are and "nothing" for undefined.
 * Looks at no more of the value than it shows, so that a huge or deep one costs nothing.
 */
export function shown(value: unknown): string {
  const text = written(value, MOST_CHARACTERS + 1);
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
}

/** The value as text; once it is longer than `room`, the rest is left out. */
function written(value: unknown, room: number): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(value.slice(0, Math.max(room, 0)));
  if (typeof value !== 'object' || value === null) return String(value);
  const isList = Array.isArray(value);
  const keys = isList ? value.keys() : Object.keys(value);
  let text = isList ? '[' : '{';
  for (const key of keys) {
    if (text.length > room) break;
    if (text.length > 1) text += ',';
    if (typeof key === 'string') text += `${JSON.stringify(key.slice(0, room))}:`;
    // Every level takes a character, so there are never more levels than room.
    if (text.length <= room) text += written((value as Record<string | number, unknown>)[key], room - text.length);
  }
  return text + (isList ? ']' : '}');
}

/** Characters of a caller's text that a message shows. */
const MOST_OF_A_TEXT = 120;

/**
 * Whatever a caller gave, for a message: short, and never an error of its own, as the text of an object without a prototype, of a
 * list of a billion holes, or of a getter that throws would be.
 */
export function shownValue(value: unknown): string {
  switch (typeof value) {
    case 'object':
      return value === null ? 'null' : shownObject(value);
    case 'function':
      return 'a function';
    case 'string':
      return value.length <= MOST_OF_A_TEXT ? value : `${value.slice(0, MOST_OF_A_TEXT)}… (${value.length} characters)`;
    default:
      return String(value);
  }
}

/** The same where no text is wanted: a text is in quotes, so that "16" is told from 16. */
export function shownOther(value: unknown): string {
  return typeof value === 'string' ? `"${shownValue(value)}"` : shownValue(value);
}

function shownObject(value: object): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (ArrayBuffer.isView(value)) return `an array of ${value.byteLength} bytes`;
  return 'an object';
}

const MOST_NUMBERS = 16;

/** A few numbers as they are, [1, NaN]; anything else as `shownValue`. */
export function shownNumbers(value: unknown): string {
  const { length } = typeof value === 'object' && value !== null ? (value as Partial<ArrayLike<unknown>>) : {};
  if (typeof length !== 'number') return shownValue(value);
  if (!(length >= 0 && length <= MOST_NUMBERS)) return `${length} values`;
  return `[${Array.from({ length }, (_, i) => shownValue((value as ArrayLike<unknown>)[i])).join(', ')}]`;
}
