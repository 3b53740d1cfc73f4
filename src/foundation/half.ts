/**
 * IEEE 754 binary16 and bfloat16, rounding to nearest, ties to even. Written out because Float16Array is younger than
 * the runtimes this engine supports.
 */

const word = new Float32Array(1);
const wordBits = new Uint32Array(word.buffer);
/** Adding 0.5 leaves an f32 whose last mantissa bit is worth 2^-24, the spacing of subnormal halves. */
const SUBNORMAL_MAGIC_BITS = 0x3f000000;

/** The f16 code nearest to an f32 value (a wider value is rounded to f32 first); NaN becomes 0x7e00 with its sign. */
export function f32ToF16Bits(value: number): number {
  word[0] = value;
  const bits = wordBits[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65520 and above round to infinity
  if (magnitude >= 0x38800000) {
    const tiesToEven = (magnitude >>> 13) & 1;
    return sign | ((magnitude - 0x38000000 + 0xfff + tiesToEven) >>> 13);
  }
  if (magnitude <= 0x33000000) return sign; // up to 2^-25, a tie that goes to zero
  word[0] = Math.abs(word[0]!) + 0.5;
  return sign | (wordBits[0]! - SUBNORMAL_MAGIC_BITS);
}

/** The exact f32 value of an f16 code. */
export function f16BitsToF32(code: number): number {
  return f16Table()[code & 0xffff]!;
}

let table: Float32Array | undefined;

/** All 65,536 values: one look-up per weight is what makes reading a large f16 file quick. */
export function f16Table(): Float32Array {
  table ??= Float32Array.from({ length: 0x10000 }, (_, code) => {
    const sign = code & 0x8000 ? -1 : 1;
    const exponent = (code >>> 10) & 31;
    const fraction = code & 1023;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
  return table;
}

/**
 * Rounds every value to the nearest f16 in place. Returns the index of the first finite value that overflows to
 * infinity, or -1.
 */
export function roundToF16(values: Float32Array): number {
  const values16 = f16Table();
  let overflow = -1;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const rounded = values16[f32ToF16Bits(value)]!;
    if (overflow < 0 && Math.abs(rounded) === Infinity && Number.isFinite(value)) overflow = i;
    values[i] = rounded;
  }
  return overflow;
}

/**
 * Writes the f16 code of every value to `out` (at least as long as `values`). Returns the index of the first finite
 * value that overflows to infinity, or -1.
 */
export function packF16(values: Float32Array, out: Uint16Array): number {
  let overflow = -1;
  for (let i = 0; i < values.length; i++) {
    const code = f32ToF16Bits(values[i]!);
    if (overflow < 0 && (code & 0x7fff) === 0x7c00 && Number.isFinite(values[i]!)) overflow = i;
    out[i] = code;
  }
  return overflow;
}

/** The bfloat16 code nearest to an f32 value. */
export function f32ToBf16Bits(value: number): number {
  word[0] = value;
  const bits = wordBits[0]!;
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) & 0x8000) | 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}
