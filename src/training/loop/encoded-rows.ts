/** What is made of one row: f32 [features] for each camera. */
export type RowFeatures = readonly Float32Array[];

/** Rows that are handed over together: their pictures are in memory at the same time. */
const TOGETHER = 32;

/**
 * Features of rows, made when they are first asked for, and kept. The next batch is prepared while an evaluation reads its windows, and an
 * encoder does one thing at a time: who asks meanwhile waits, and finds what the one before made.
 */
export class EncodedRows {
  readonly #encode: (rows: readonly number[]) => Promise<readonly RowFeatures[]>;
  readonly #known = new Map<number, RowFeatures>();
  /** Settles when nobody encodes any more. Never rejects. */
  #turn: Promise<void> = Promise.resolve();

  /** `encode`: features of at most 32 different rows, in their order. Its calls do not overlap. */
  constructor(encode: (rows: readonly number[]) => Promise<readonly RowFeatures[]>) {
    this.#encode = encode;
  }

  /** Features of rows, in their order; a row may be there more than once. Fails with what `encode` fails with; the next caller tries again. */
  async read(rows: Int32Array): Promise<readonly RowFeatures[]> {
    const encoded = this.#turn.then(() => this.#encodeMissing(rows));
    this.#turn = encoded.catch(() => {});
    await encoded;
    return Array.from(rows, (row) => this.#known.get(row) as RowFeatures);
  }

  async #encodeMissing(rows: Int32Array): Promise<void> {
    const missing = [...new Set(rows)].filter((row) => !this.#known.has(row)).sort((a, b) => a - b);
    for (let first = 0; first < missing.length; first += TOGETHER) {
      const together = missing.slice(first, first + TOGETHER);
      const features = await this.#encode(together);
      together.forEach((row, i) => this.#known.set(row, features[i] as RowFeatures));
    }
  }
}
