import { f16Table } from '../../foundation/half.js';

/** Element types of a safetensors file that are read, little-endian. */
export type Dtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'U8' | 'BOOL';

/** Bytes per element. */
export const DTYPE_BYTES: Readonly<Record<Dtype, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  U8: 1,
  BOOL: 1,
};

/** Bits per element of the format's other types: tensors of these may lie in a file as long as nothing reads them. */
const OTHER_BITS: Readonly<Record<string, number>> = {
  C64: 64,
  U64: 64,
  U32: 32,
  I16: 16,
  U16: 16,
  I8: 8,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F4: 4,
};

/** Bits per element; undefined for a type that is younger than this list. */
export function dtypeBits(dtype: string): number | undefined {
  if (isDtype(dtype)) return DTYPE_BYTES[dtype] * 8;
  return Object.hasOwn(OTHER_BITS, dtype) ? OTHER_BITS[dtype] : undefined;
}

/** Whether a text looks like the name of an element type, known or not. */
export function isDtypeName(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Z][A-Z0-9_]{1,15}$/.test(value);
}

export function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(DTYPE_BYTES, value);
}

export function isFloatDtype(dtype: string): dtype is 'F64' | 'F32' | 'F16' | 'BF16' {
  return dtype === 'F64' || dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

/**
 * Decodes raw elements to f32, rounding F64 and large integers to nearest. `raw` starts at an 8-byte boundary of its
 * buffer and holds out.length elements. Typed arrays have the host's byte order, which is little-endian wherever
 * WebGPU exists.
 */
export function decodeFloats(dtype: Dtype, raw: Uint8Array, out: Float32Array): void {
  const { buffer, byteOffset } = raw;
  const count = out.length;
  switch (dtype) {
    case 'F64':
      out.set(new Float64Array(buffer, byteOffset, count));
      return;
    case 'F32':
      out.set(new Float32Array(buffer, byteOffset, count));
      return;
    case 'F16': {
      const values = f16Table();
      const codes = new Uint16Array(buffer, byteOffset, count);
      for (let i = 0; i < count; i++) out[i] = values[codes[i]!]!;
      return;
    }
    case 'BF16': {
      // A bfloat16 is the upper half of an f32.
      const codes = new Uint16Array(buffer, byteOffset, count);
      const bits = new Uint32Array(out.buffer, out.byteOffset, count);
      for (let i = 0; i < count; i++) bits[i] = codes[i]! << 16;
      return;
    }
    case 'I64': {
      const values = new BigInt64Array(buffer, byteOffset, count);
      for (let i = 0; i < count; i++) out[i] = Number(values[i]!);
      return;
    }
    case 'I32':
      out.set(new Int32Array(buffer, byteOffset, count));
      return;
    case 'U8':
      out.set(raw.subarray(0, count));
      return;
    case 'BOOL':
      for (let i = 0; i < count; i++) out[i] = raw[i] === 0 ? 0 : 1;
      return;
    default: {
      const unknown: never = dtype;
      throw new Error(`unknown dtype ${String(unknown)}`);
    }
  }
}
