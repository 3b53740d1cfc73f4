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
const KEY_WORDS = ['episode', 'decision', 'purpose'] as const;

/**
 * Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): 128 random bits from a counter and
 * a key, all words unsigned 32-bit. Having no state, a stream needs no seeking and no order of calls.
 */
export function philox4x32(counter: PhiloxCounter, key: PhiloxKey): [number, number, number, number] {
  mix(counter[0], counter[1], counter[2], counter[3], key[0], key[1]);
  return [...WORDS] as [number, number, number, number];
}

/** The words of the last block: a decision draws dozens of blocks, and shall leave nothing for the garbage collector. */
const WORDS = new Uint32Array(4);

/** Philox4x32-10 of a counter and a key, into WORDS. */
function mix(c0: number, c1: number, c2: number, c3: number, k0: number, k1: number): void {
  for (let round = 0; round < ROUNDS; round++) {
    const next0 = multiplyHigh(MULTIPLIER_1, c2) ^ c1 ^ k0;
    const next2 = multiplyHigh(MULTIPLIER_0, c0) ^ c3 ^ k1;
    c1 = Math.imul(MULTIPLIER_1, c2);
    c3 = Math.imul(MULTIPLIER_0, c0);
    c0 = next0;
    c2 = next2;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  WORDS[0] = c0;
  WORDS[1] = c1;
  WORDS[2] = c2;
  WORDS[3] = c3;
}

/**
 * Fills `out` with standard normals. Entry i depends on the key and on i alone: not on the length of `out`, nor on what
 * was drawn before. Strategies that draw a different number of times per decision therefore see the same noise.
 * Box–Muller in float64, rounded to float32; entries lie within ±6.7. Throws OptionError for an unusable key.
 */
export function fillNormal(out: Float32Array, key: NoiseKey): void {
  if (!(out instanceof Float32Array)) throw new OptionError(`fillNormal: out must be a Float32Array, found ${shownValue(out)}.`);
  checkNoiseKey(key);
  for (let block = 0; 4 * block < out.length; block++) {
    mixBlock(block, key);
    boxMuller(out, 4 * block, 0);
    boxMuller(out, 4 * block + 2, 2);
  }
}

/** Fills `out` with numbers uniform in (0, 1); entry i depends on the key and on i alone. Throws as `fillNormal`. */
export function fillUniform(out: Float64Array, key: NoiseKey): void {
  checkNoiseKey(key);
  for (let block = 0; 4 * block < out.length; block++) {
    mixBlock(block, key);
    for (let i = 0; i < 4 && 4 * block + i < out.length; i++) out[4 * block + i] = ((WORDS[i] as number) + 0.5) / 2 ** 32;
  }
}

/** Block number `block` of a stream, into WORDS. */
function mixBlock(block: number, { seed, episode, decision, purpose }: NoiseKey): void {
  mix(block, purpose, decision, episode, seed >>> 0, Math.floor(seed / 2 ** 32));
}

/**
 * Two independent standard normals from WORDS `word` and `word + 1` (Box and Muller 1958), to entries `at` and `at + 1`,
 * as far as these are there.
 */
function boxMuller(out: Float32Array, at: number, word: 0 | 2): void {
  // The half keeps the uniform inside (0, 1): the logarithm of 0 would put an infinity into an action.
  const radius = Math.sqrt(-2 * Math.log(((WORDS[word] as number) + 0.5) / 2 ** 32));
  const angle = (2 * Math.PI * (WORDS[word + 1] as number)) / 2 ** 32;
  // Writes beyond the end of a typed array do nothing.
  out[at] = radius * Math.cos(angle);
  out[at + 1] = radius * Math.sin(angle);
}

/**
 * Upper 32 bits of a 64-bit product of unsigned words, by 16-bit halves: a double holds only 53 bits exactly. Words may be
 * given, and are returned, as signed integers of the same bits. No sum here exceeds 2^32 − 1.
 */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (carry >>> 16)) | 0;
}

function checkNoiseKey(key: NoiseKey): void {
  checkObject('noise', 'the key', key);
  const { seed } = key;
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new OptionError(`seed must be an integer from 0 to 2^53 − 1, found ${shownValue(seed)}: choose another seed`);
  }
  for (const name of KEY_WORDS) {
    const word = key[name];
    if (!Number.isInteger(word) || word < 0 || word >= 2 ** 32) {
      throw new OptionError(`${name} of a noise key must be an integer from 0 to 2^32 − 1, found ${shownValue(word)}: correct it`);
    }
  }
}
