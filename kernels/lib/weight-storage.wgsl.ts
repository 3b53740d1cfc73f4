import { type KernelBinding, texelAt, WORDS_TEXTURE } from './kernel.js';
import { f32 } from './wgsl.js';

/**
 * How the weights of a matrix are stored. A kernel turns them into f32 when it loads them; products and sums are f32.
 * - `f32`, `f16`: as they are, or rounded.
 * - `int8`: signed bytes, lowest byte of a word first, with an f32 scale per output channel.
 */
export type WeightStorage = 'f32' | 'f16' | 'int8';

/**
 * How halves become f32: `packed` unpacks words and runs on every device, `native` needs the feature `shader-f16`. Every
 * half is an f32, so both give the same bits.
 */
export type HalfLoads = 'packed' | 'native';

/**
 * What holds the weights: a storage buffer, or a storage texture (rgba32uint, one chunk per texel) that is only read. lavapipe loads a
 * texel of every invocation at once and words of a buffer one by one; a sampled texture costs it twice as much, for levels of detail.
 */
export type WeightPlace = 'buffer' | 'texture';

/**
 * Weights come in chunks of 16 bytes, which an invocation loads at once: for four output channels (a row group), the
 * weights of `chunkPairs` successive pairs (input channel, tap), taps running fastest.
 *
 * Chunks lie in the order [block][group][chunk of the group][lane]. A block is BLOCK_LANES row groups; a group is the
 * least number of input channels whose pairs fill whole chunks. Channels past the last one, of both kinds, are zeros.
 */
export const BLOCK_LANES = 8;
export const CHUNK_BYTES = 16;

/** Pairs (input channel, tap) in a chunk. */
export function chunkPairs(storage: WeightStorage): number {
  return { f32: 1, f16: 2, int8: 4 }[storage];
}

/** Input channels and chunks of a group. */
export function chunkGroup(storage: WeightStorage, kernelSize: number): { readonly channels: number; readonly chunks: number } {
  const pairs = chunkPairs(storage);
  const shared = greatestCommonDivisor(pairs, kernelSize);
  return { channels: pairs / shared, chunks: kernelSize / shared };
}

/** Chunks in a block of lanes, per lane. */
export function blockChunks(storage: WeightStorage, kernelSize: number, inChannels: number): number {
  const { channels, chunks } = chunkGroup(storage, kernelSize);
  return Math.ceil(inChannels / channels) * chunks;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** The smallest number of channels that whole groups of two kinds fill. */
export function leastCommonMultiple(a: number, b: number): number {
  return (a / greatestCommonDivisor(a, b)) * b;
}

/** The pieces of a kernel's text that depend on how its weights are stored. */
export interface WeightFormat {
  /** For labels of kernels. */
  readonly name: string;
  /** Must be the first line of the text. */
  readonly enable: string;
  /** Binding `weight`, then binding `weight_scale` (f32 [outChannels]) where `scaled`. */
  readonly bindings: readonly KernelBinding[];
  /** WGSL type of a chunk. */
  readonly chunkType: string;
  /** Declares `load_chunk(index)`. */
  readonly loadChunk: string;
  /** The weights of one pair of a chunk: an expression of type vec4f, four output channels, without their scale. */
  readonly unpack: (chunk: string, pair: number) => string;
  /** The first (0) or last (1) two of them: of type vec2f, the same values. Carried codes alone are taken by twos. */
  readonly unpackHalf: ((chunk: string, pair: number, half: 0 | 1) => string) | undefined;
  /**
   * What a vec4f of sums over weights, as `unpack` gives them, is in terms of the weights themselves: an expression. Where it is not the sums as
   * they are, once per sum, before scale and bias.
   */
  readonly settle: ((sums: string) => string) | undefined;
  /**
   * Whether sums over weights are still to be multiplied by `weight_scale`: once per sum, before bias. Weights are then
   * integers up to 127, which f32 holds exactly.
   */
  readonly scaled: boolean;
}

/**
 * `carried`: the four codes of a word are c₀ + 2⁸ c₁ + 2¹⁶ c₂ + 2²⁴ c₃, not a byte each. The word, moved up by 24 − 8r bits and read as a signed
 * integer, is then vᵣ = 2²⁴ (cᵣ + cᵣ₋₁ / 2⁸ + … + c₀ / 2⁸ʳ), which takes one shift less than cᵣ alone; and since vᵣ = 2²⁴ cᵣ + vᵣ₋₁ / 2⁸, sums over vᵣ
 * and vᵣ₋₁ give the sum over cᵣ (`settle`). f32 rounds v₃ alone, by 2⁻¹⁸ of a code at most; what is taken off is half a code: no digits are lost.
 */
type Encoding = 'f32' | 'packed' | 'native' | 'int8' | 'carried';

const CHUNK_TYPES: Readonly<Record<Encoding, string>> = {
  f32: 'vec4f',
  packed: 'vec4u',
  native: 'array<vec4<f16>, 2>',
  int8: 'vec4u',
  carried: 'vec4u',
};

const UNPACK: Readonly<Record<Encoding, WeightFormat['unpack']>> = {
  f32: (chunk) => chunk,
  packed: (chunk, pair) => `vec4f(unpack2x16float(${chunk}[${2 * pair}]), unpack2x16float(${chunk}[${2 * pair + 1}]))`,
  native: (chunk, pair) => `vec4f(${chunk}[${pair}])`,
  // Shifts, not unpack4xI8: that one is younger than some implementations, and was no faster where it was tried.
  int8: (chunk, pair) => `vec4f(bitcast<vec4i>(vec4u(${chunk}[${pair}]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u))`,
  carried: (chunk, pair) => `vec4f(bitcast<vec4i>(vec4u(${chunk}[${pair}]) << vec4u(24u, 16u, 8u, 0u)))`,
};

function unpackCarriedHalf(chunk: string, pair: number, half: 0 | 1): string {
  return `vec2f(bitcast<vec2i>(vec2u(${chunk}[${pair}]) << vec2u(${half === 0 ? '24u, 16u' : '8u, 0u'})))`;
}

/** @throws TypeError for `native` loads from a texture, which has no halves, and for carried codes that are none of int8. */
export function weightFormat(
  storage: WeightStorage,
  halfLoads: HalfLoads = 'packed',
  place: WeightPlace = 'buffer',
  carried = false,
): WeightFormat {
  if (carried && storage !== 'int8') throw new TypeError(`codes of int8 are carried, ${storage} has none`);
  const encoding = storage === 'f16' ? halfLoads : carried ? 'carried' : storage;
  const texture = place === 'texture';
  if (texture && encoding === 'native') throw new TypeError('native halves are loaded from buffers, not from textures');
  const type = CHUNK_TYPES[encoding];
  const texel = `textureLoad(weight, ${texelAt('index')})`;
  const value = texture ? (encoding === 'f32' ? `bitcast<vec4f>(${texel})` : texel) : 'weight[index]';
  const scaled = storage === 'int8';
  return {
    name: `${encoding === 'native' ? 'f16 native' : storage}${carried ? ' carried' : ''}${texture ? ' texture' : ''}`,
    enable: encoding === 'native' ? 'enable f16;' : '',
    bindings: [
      texture ? { name: 'weight', access: 'texture', type: WORDS_TEXTURE } : { name: 'weight', access: 'read', type: `array<${type}>` },
      ...(scaled ? [{ name: 'weight_scale', access: 'read', type: 'array<f32>' } as const] : []),
    ],
    chunkType: type,
    loadChunk: `fn load_chunk(index: u32) -> ${type} {\n  return ${value};\n}`,
    unpack: UNPACK[encoding],
    unpackHalf: carried ? unpackCarriedHalf : undefined,
    settle: carried ? (sums) => `(${sums} - vec4f(0.0f, ${sums}.xyz) * ${f32(2 ** -8)}) * ${f32(2 ** -24)}` : undefined,
    scaled,
  };
}
