import { DatasetError } from '../foundation/errors.js';

/** Faults of a block of rows that are kept in words; of further rows, that they are damaged. */
const MOST_FAULTS = 20;

/** Rows of a block are damaged. The message is of the first of them. */
export class FaultyRowsError extends DatasetError {
  readonly faults: Faults;

  constructor(message: string, faults: Faults) {
    super(message);
    this.faults = faults;
  }
}

/** What is wrong with rows [from, to): reading goes on behind a fault, so that all can be told. What it takes does not grow with the faults. */
export class Faults {
  readonly #from: number;
  readonly #to: number;
  #found: { readonly row: number; readonly words: string }[] = [];
  /** Of each row, whether it is damaged; undefined where none is. */
  #damaged: Uint8Array | undefined;
  /** What is wrong with all of them at once. */
  #unreadable: string | undefined;

  constructor(from: number, to: number) {
    this.#from = from;
    this.#to = to;
  }

  add(row: number, words: () => string): void {
    this.#mark(row);
    if (this.#found.length < MOST_FAULTS) this.#found.push({ row, words: words() });
  }

  has(row: number): boolean {
    return this.#damaged?.[row - this.#from] === 1;
  }

  /** Takes up what was found of the same rows before. */
  addAll(others: Faults): void {
    for (const { row, words } of others.#found) this.add(row, () => words);
    for (let row = this.#from; row < this.#to && others.#damaged !== undefined; row++) if (others.has(row)) this.#mark(row);
  }

  /** What concerns rows [from, to) alone, which lie within these. */
  part(from: number, to: number): Faults {
    const part = new Faults(from, to);
    part.#found = this.#found.filter(({ row }) => row >= from && row < to);
    part.#damaged = this.#damaged?.slice(from - this.#from, to - this.#from);
    part.#unreadable = this.#unreadable;
    return part;
  }

  /** In the order in which they were found; `where` names the first row that is damaged and has no words of its own. */
  words(where: (row: number) => string): string[] {
    const words = this.#found.map((fault) => fault.words);
    if (this.#unreadable !== undefined) return [...words, this.#unreadable];
    const named = new Set(this.#found.map(({ row }) => row));
    let [first, others] = [-1, 0];
    for (let row = this.#from; row < this.#to; row++) {
      if (!this.has(row) || named.has(row)) continue;
      if (first < 0) first = row;
      else others++;
    }
    if (first < 0) return words;
    const more = others === 0 ? 'this frame is' : `this frame and ${others} more behind it are`;
    return [...words, `${where(first)}: ${more} damaged, beside those that are named`];
  }

  /** Rows that are not damaged. */
  get good(): number {
    if (this.#unreadable !== undefined) return 0;
    return this.#to - this.#from - (this.#damaged?.reduce((sum, flag) => sum + flag, 0) ?? 0);
  }

  /** Sorts by rows what was found so far. */
  sort(): this {
    this.#found.sort((a, b) => a.row - b.row);
    return this;
  }

  /** What `read` makes, where it adds nothing. @throws FaultyRowsError; what `read` throws. */
  async reading<T>(read: () => Promise<T>): Promise<T> {
    let value: T;
    try {
      value = await read();
    } catch (error) {
      if (this.#found.length === 0 || !(error instanceof DatasetError)) throw error;
      this.#unreadable = error.message;
      throw this.#error();
    }
    if (this.#found.length > 0) throw this.#error();
    return value;
  }

  #error(): FaultyRowsError {
    return new FaultyRowsError((this.#found[0] as { readonly words: string }).words, this);
  }

  #mark(row: number): void {
    this.#damaged ??= new Uint8Array(this.#to - this.#from);
    this.#damaged[row - this.#from] = 1;
  }
}
