import { DatasetError } from '../foundation/errors.js';

/** Faults of a block of rows that are kept in words; the others are counted. */
const MOST_FAULTS = 20;

/** Rows of a block are damaged. The message is of the first of them. */
export class FaultyRowsError extends DatasetError {
  /** All that is wrong, in words, as far as it is kept. */
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults[0] as string);
    this.faults = faults;
  }
}

/** What is wrong with the rows of a block: reading goes on behind a fault, so that all can be told. */
export class Faults {
  readonly #found: string[] = [];
  #more = 0;

  add(fault: string): void {
    if (this.#found.length < MOST_FAULTS) this.#found.push(fault);
    else this.#more++;
  }

  /** What `read` makes, where it adds nothing. @throws FaultyRowsError; what `read` throws. */
  async reading<T>(read: () => Promise<T>): Promise<T> {
    let value: T;
    try {
      value = await read();
    } catch (error) {
      if (this.#found.length === 0 || !(error instanceof DatasetError)) throw error;
      this.add(error.message);
      throw this.#error();
    }
    if (this.#found.length > 0) throw this.#error();
    return value;
  }

  #error(): FaultyRowsError {
    const [first] = this.#found as [string];
    return new FaultyRowsError(this.#more === 0 ? this.#found : [...this.#found, `${this.#more} more frames like: ${first}`]);
  }
}

/** All that an error says is wrong. */
export function faultsOf(error: DatasetError): readonly string[] {
  return error instanceof FaultyRowsError ? error.faults : [error.message];
}
