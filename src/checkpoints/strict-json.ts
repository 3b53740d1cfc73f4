import { CheckpointError } from '../foundation/errors.js';

/**
 * What any file of a checkpoint stays far below, and what a hostile one cannot make the parser exceed. Bytes are limited by
 * whoever reads them.
 */
const MAX_DEPTH = 32;
const MAX_NAME_CHARACTERS = 1024;
/** In all objects of a file together. */
const MAX_KEYS = 20_000;
/** In all lists of a file together. */
const MAX_ITEMS = 50_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const FIRST_PRINTABLE = 0x20;

/** Python writes NaN and infinity as words, which JSON does not have. */
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|-?Infinity|NaN|true|false|null/y;
const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/**
 * Parses UTF-8 JSON in time and memory linear in its length. It differs from JSON.parse in what it takes: NaN, Infinity and
 * -Infinity are numbers, as Python writes them; in what it refuses: a key that stands twice in an object (the last one would
 * win silently), and more depth, keys, list entries or characters of a name than any checkpoint has.
 * `where` names the file in messages.
 * @throws CheckpointError
 */
export function parseStrictJson(bytes: Uint8Array, where: string): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CheckpointError(`${where}: expected JSON in UTF-8, found bytes that are not UTF-8. Export the file again.`);
  }
  return new Parser(text, where).document();
}

class Parser {
  readonly #text: string;
  readonly #where: string;
  #at = 0;
  #keys = 0;
  #items = 0;

  constructor(text: string, where: string) {
    this.#text = text;
    this.#where = where;
  }

  document(): unknown {
    const value = this.#value(0);
    if (!Number.isNaN(this.#next())) this.#failSyntax('the end of the text');
    return value;
  }

  /** The character code at the next place that is not white space; NaN at the end. */
  #next(): number {
    for (; ; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code;
    }
  }

  #value(depth: number): unknown {
    switch (this.#next()) {
      case OPEN_OBJECT:
        return this.#object(depth + 1);
      case OPEN_LIST:
        return this.#list(depth + 1);
      case QUOTE:
        return this.#string();
      default:
        return this.#scalar();
    }
  }

  #object(depth: number): Record<string, unknown> {
    this.#enter(depth);
    const object: Record<string, unknown> = {};
    if (this.#takes(CLOSE_OBJECT)) return object;
    do {
      if (this.#next() !== QUOTE) this.#failSyntax('a key in quotes');
      const key = this.#string();
      this.#checkKey(object, key);
      if (!this.#takes(COLON)) this.#failSyntax('":"');
      // Defined, not assigned: a key "__proto__" shall be a key like any other.
      const value = this.#value(depth);
      if (key === '__proto__') Object.defineProperty(object, key, { value, configurable: true, enumerable: true, writable: true });
      else object[key] = value;
    } while (this.#takes(COMMA));
    if (!this.#takes(CLOSE_OBJECT)) this.#failSyntax('"," or "}"');
    return object;
  }

  #list(depth: number): unknown[] {
    this.#enter(depth);
    const list: unknown[] = [];
    if (this.#takes(CLOSE_LIST)) return list;
    do {
      if (++this.#items > MAX_ITEMS) this.#fail(`at most ${MAX_ITEMS} entries in the lists of a file`, 'more');
      list.push(this.#value(depth));
    } while (this.#takes(COMMA));
    if (!this.#takes(CLOSE_LIST)) this.#failSyntax('"," or "]"');
    return list;
  }

  /** Steps over a bracket that opens. */
  #enter(depth: number): void {
    if (depth > MAX_DEPTH) this.#fail(`JSON nested at most ${MAX_DEPTH} levels deep`, 'more');
    this.#at++;
  }

  #takes(code: number): boolean {
    if (this.#next() !== code) return false;
    this.#at++;
    return true;
  }

  #checkKey(object: Record<string, unknown>, key: string): void {
    if (++this.#keys > MAX_KEYS) this.#fail(`at most ${MAX_KEYS} keys in a file`, 'more');
    if (key.length > MAX_NAME_CHARACTERS) {
      this.#fail(`names of at most ${MAX_NAME_CHARACTERS} characters`, `${key.length} in "${key.slice(0, 80)}…"`);
    }
    if (Object.hasOwn(object, key)) this.#fail('every key once', `"${key.slice(0, 80)}" twice in one object`);
  }

  #string(): string {
    const text = this.#text;
    const start = this.#at;
    let isEscaped = false;
    for (let i = start + 1; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === QUOTE) {
        this.#at = i + 1;
        return isEscaped ? this.#unescaped(start) : text.slice(start + 1, i);
      }
      if (code < FIRST_PRINTABLE) break;
      if (code === BACKSLASH) {
        isEscaped = true;
        i++;
      }
    }
    return this.#failSyntax('a text that ends with a quote, on one line');
  }

  /** The text that ends here; escapes are resolved, so "a" and "\u0061" are the same key. */
  #unescaped(start: number): string {
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      this.#at = start;
      return this.#failSyntax('a text with valid escapes');
    }
  }

  #scalar(): unknown {
    SCALAR.lastIndex = this.#at;
    const found = SCALAR.exec(this.#text)?.[0];
    if (found === undefined) this.#failSyntax('a value');
    this.#at += found.length;
    return WORDS.has(found) ? WORDS.get(found) : Number(found);
  }

  #failSyntax(expected: string): never {
    let line = 1;
    let lineStart = 0;
    for (let end = this.#text.indexOf('\n'); end >= 0 && end < this.#at; end = this.#text.indexOf('\n', lineStart)) {
      line++;
      lineStart = end + 1;
    }
    return this.#fail('JSON', `a syntax error (${expected} was expected at line ${line}, column ${this.#at - lineStart + 1})`);
  }

  #fail(expected: string, found: string): never {
    throw new CheckpointError(`${this.#where}: expected ${expected}, found ${found}. Export the file again.`);
  }
}
