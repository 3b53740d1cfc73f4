const MOST_CHARACTERS = 120;

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
      return value.length <= MOST_CHARACTERS ? value : `${value.slice(0, MOST_CHARACTERS)}… (${value.length} characters)`;
    default:
      return String(value);
  }
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
