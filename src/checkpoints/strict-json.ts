import { CheckpointError } from '../foundation/errors.js';

/** Deeper nesting than any checkpoint file has; bounds what a hostile file can make a parser do. */
const MAX_DEPTH = 32;

/**
 * Parses UTF-8 JSON as JSON.parse does, and refuses what it lets pass: duplicate keys (the last one would win silently)
 * and absurd nesting. `where` names the file in messages.
 */
export function parseStrictJson(bytes: Uint8Array, where: string): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CheckpointError(`${where}: expected JSON in UTF-8, found bytes that are not UTF-8. Export the file again.`);
  }
  scan(text, where);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CheckpointError(`${where}: expected JSON, found a syntax error (${(error as Error).message}). ` + 'Export the file again.');
  }
}

/**
 * Walks the tokens once, before JSON.parse: only strings and brackets matter, and on malformed text it may stop early,
 * because the parser then reports the mistake.
 */
function scan(text: string, where: string): void {
  const open: (Set<string> | 'array')[] = [];
  let expectsKey = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    switch (character) {
      case '{':
      case '[':
        open.push(character === '{' ? new Set() : 'array');
        expectsKey = character === '{';
        if (open.length > MAX_DEPTH) {
          throw new CheckpointError(
            `${where}: expected JSON nested at most ${MAX_DEPTH} levels deep, found more. ` + 'Export the file again.',
          );
        }
        break;
      case '}':
      case ']':
        open.pop();
        expectsKey = false;
        break;
      case ',':
        expectsKey = open.at(-1) instanceof Set;
        break;
      case '"': {
        const end = closingQuote(text, i);
        if (end < 0) return;
        const keys = open.at(-1);
        if (expectsKey && keys instanceof Set) {
          const key = decodeKey(text.slice(i, end + 1));
          if (keys.has(key)) {
            throw new CheckpointError(
              `${where}: expected every key once, found "${key.slice(0, 80)}" twice in one ` + 'object. Export the file again.',
            );
          }
          keys.add(key);
        }
        expectsKey = false;
        i = end;
        break;
      }
      default:
    }
  }
}

function closingQuote(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i;
  }
  return -1;
}

/** Escapes are resolved first: "a" and "\u0061" are the same key. */
function decodeKey(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    return JSON.parse(literal) as string;
  } catch {
    return literal;
  }
}
