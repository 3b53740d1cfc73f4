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
