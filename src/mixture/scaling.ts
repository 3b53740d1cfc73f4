/** Values brought to −1 … 1 by their range over demonstrations; one that never changes is 0, and comes back as it was. */
export class Scaling {
  readonly #low: Float64Array;
  /** Half of the range. */
  readonly #half: Float64Array;

  /** `values`: [frames][size], flattened. */
  constructor(values: Float64Array, size: number) {
    const low = new Float64Array(size).fill(Infinity);
    const high = new Float64Array(size).fill(-Infinity);
    values.forEach((value, i) => {
      const column = i % size;
      low[column] = Math.min(low[column] as number, value);
      high[column] = Math.max(high[column] as number, value);
    });
    this.#low = low;
    this.#half = high.map((most, column) => (most - (low[column] as number)) / 2);
  }

  get size(): number {
    return this.#low.length;
  }

  /** What differences are multiplied by: 0 for a value that never changes. */
  get gains(): number[] {
    return Array.from(this.#half, (half) => (half === 0 ? 0 : 1 / half));
  }

  scaled(value: number, column: number): number {
    const half = this.#half[column] as number;
    return half === 0 ? 0 : (value - (this.#low[column] as number)) / half - 1;
  }

  unscaled(value: number, column: number): number {
    return (value + 1) * (this.#half[column] as number) + (this.#low[column] as number);
  }
}
