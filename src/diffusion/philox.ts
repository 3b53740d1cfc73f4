import { OptionError } from '../foundation/errors.js';
import { checkObject } from '../foundation/options.js';
import { shownValue } from '../foundation/shown.js';

export type PhiloxCounter = readonly [number, number, number, number];
export type PhiloxKey = readonly [number, number];

/** Names one stream of noise. Streams with different keys are independent. */
export interface NoiseKey {
  /** Integer from 0 to 2^53 − 1. */
  readonly seed: number;
  /** Each an integer from 0 to 2^32 − 1; `purpose` tells the draws of one decision apart (start, step 1, step 2, …). */
  readonly episode: number;
  readonly decision: number;
  readonly purpose: number;
}

const ROUNDS = 10;
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/**
 * Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): 128 random bits from a counter and
 * a key, all words unsigned 32-bit. Having no state, a stream needs no seeking and no order of calls.
 */
export function philox4x32(counter: PhiloxCounter, key: PhiloxKey): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1 >>> 0, (high0 ^ c3 ^ k1) >>> 0, low0 >>> 0];
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/**
 * Fills `out` with standard normals. Entry i depends on the key and on i alone: not on the length of `out`, nor on what
 * was drawn before. Strategies that draw a different number of times per decision therefore see the same noise.
 * Box–Muller in float64, rounded to float32; entries lie within ±6.7. Throws OptionError for an unusable key.
 */
export function fillNormal(out: Float32Array, key: NoiseKey): void {
  if (!(out instanceof Float32Array)) throw new OptionError(`fillNormal: out must be a Float32Array, found ${shownValue(out)}.`);
  checkNoiseKey(key);
  const seedWords: PhiloxKey = [key.seed >>> 0, Math.floor(key.seed / 2 ** 32)];
  for (let block = 0; 4 * block < out.length; block++) {
    const [u0, u1, u2, u3] = philox4x32([block, key.purpose, key.decision, key.episode], seedWords);
    const normals = [...boxMuller(u0, u1), ...boxMuller(u2, u3)];
    out.set(normals.slice(0, out.length - 4 * block), 4 * block);
  }
}

/** Fills `out` with numbers uniform in (0, 1); entry i depends on the key and on i alone. Throws as `fillNormal`. */
export function fillUniform(out: Float64Array, key: NoiseKey): void {
  checkNoiseKey(key);
  const seedWords: PhiloxKey = [key.seed >>> 0, Math.floor(key.seed / 2 ** 32)];
  for (let block = 0; 4 * block < out.length; block++) {
    const words = philox4x32([block, key.purpose, key.decision, key.episode], seedWords);
    out.set(words.map((word) => (word + 0.5) / 2 ** 32).slice(0, out.length - 4 * block), 4 * block);
  }
}

/** Two independent standard normals from two uniform 32-bit words (Box and Muller 1958). */
function boxMuller(radiusWord: number, angleWord: number): [number, number] {
  // The half keeps the uniform inside (0, 1): the logarithm of 0 would put an infinity into an action.
  const radius = Math.sqrt(-2 * Math.log((radiusWord + 0.5) / 2 ** 32));
  const angle = (2 * Math.PI * angleWord) / 2 ** 32;
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** Upper 32 bits of a 64-bit product of unsigned words, by 16-bit halves: a double holds only 53 bits exactly. */
function multiplyHigh(a: number, b: number): number {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle % 0x10000);
  return aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000);
}

function checkNoiseKey(key: NoiseKey): void {
  checkObject('noise', 'the key', key);
  const { seed, episode, decision, purpose } = key;
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new OptionError(`seed must be an integer from 0 to 2^53 − 1, found ${shownValue(seed)}: choose another seed`);
  }
  for (const [name, word] of Object.entries({ episode, decision, purpose })) {
    if (!Number.isInteger(word) || word < 0 || word >= 2 ** 32) {
      throw new OptionError(`${name} of a noise key must be an integer from 0 to 2^32 − 1, found ${shownValue(word)}: correct it`);
    }
  }
}
