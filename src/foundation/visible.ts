/**
 * What a terminal or a page does not show as a character: controls (ESC, BEL, CR, LF, …), formats (among them those that turn
 * the direction of writing), the separators of lines and paragraphs, and halves of pairs that stand alone.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
/** The same without the line feed and the tabulator. */
const UNSEEN_IN_LINES = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Text of others (names in a checkpoint, of files, of features) for one line of a message, a table or a log: what could move
 * the cursor, colour the screen or begin a line of its own is written as JSON writes it, `\n` or `\u001b`.
 */
export function visible(text: string): string {
  return text.replace(UNSEEN, written);
}

/** The same for a text of several lines, which its author has put together. JSON in it stays the JSON it was. */
export function visibleLines(text: string): string {
  return text.replace(UNSEEN_IN_LINES, written);
}

/** What a driver or another program says in several lines, in one: they are words, and `\n` among them would be none. */
export function inOneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}

/** JSON of a value, for terminals and files that are looked at: every reader gets the same value. `space` as in JSON.stringify. */
export function visibleJson(value: unknown, space?: number): string {
  return visibleLines(JSON.stringify(value, null, space));
}

function written(character: string): string {
  const json = JSON.stringify(character).slice(1, -1);
  if (json !== character) return json;
  // JSON leaves this one as it is.
  return Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`).join('');
}
