const LENGTH = 624;
const MIDDLE = 397;

/**
 * NumPy's legacy `RandomState(seed)`: MT19937 (Matsumoto and Nishimura 1998) seeded with one 32-bit integer, bounded
 * integers by masked rejection and normals by the polar method. Equal to NumPy draw for draw.
 */
export class Mt19937 {
  readonly #words = new Uint32Array(LENGTH);
  #position = LENGTH;

  /** `seed`: integer from 0 to 2^32 − 1. */
  constructor(seed: number) {
    let word = seed >>> 0;
    for (let i = 0; i < LENGTH; i++) {
      if (i > 0) word = (Math.imul(1812433253, word ^ (word >>> 30)) + i) >>> 0;
      this.#words[i] = word;
    }
  }

  /** 32 random bits as an integer from 0 to 2^32 − 1. */
  nextWord(): number {
    if (this.#position === LENGTH) this.#twist();
    let word = this.#words[this.#position++] ?? 0;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    word ^= word >>> 18;
    return word >>> 0;
  }

  /** An integer in [low, high), as `randint(low, high)`; high − low at most 2^31. */
  nextInteger(low: number, high: number): number {
    const most = high - low - 1;
    // All bits set up to the highest bit of `most`: what is drawn is then too large less than half of the time.
    const mask = 2 ** (32 - Math.clz32(most)) - 1;
    for (;;) {
      const value = (this.nextWord() & mask) >>> 0;
      if (value <= most) return low + value;
    }
  }

  /** The standard normal that `randn()` returns first. Its second one is not kept: no caller draws two. */
  nextNormal(): number {
    for (;;) {
      const u1 = 2 * this.#nextDouble() - 1;
      const u2 = 2 * this.#nextDouble() - 1;
      const squared = u1 * u1 + u2 * u2;
      if (squared < 1 && squared !== 0) return Math.sqrt((-2 * Math.log(squared)) / squared) * u2;
    }
  }

  /** 53 random bits in [0, 1). */
  #nextDouble(): number {
    const high = this.nextWord() >>> 5;
    const low = this.nextWord() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  #twist(): void {
    const words = this.#words;
    for (let i = 0; i < LENGTH; i++) {
      const joined = ((words[i] ?? 0) & 0x80000000) | ((words[(i + 1) % LENGTH] ?? 0) & 0x7fffffff);
      words[i] = (words[(i + MIDDLE) % LENGTH] ?? 0) ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
    }
    this.#position = 0;
  }
}
