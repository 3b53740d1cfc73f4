import { createHash } from 'node:crypto';
import { f32ToF16Bits } from '../../src/foundation/half.js';

/**
 * Tensors that come from a formula, so that no file of tens of megabytes need be kept: test/goldens/images/README.md,
 * "Generated files".
 */
export type FormulaTensor = {
  readonly name: string;
  readonly dtype: 'F32' | 'F16' | 'I64' | 'U8';
  readonly shape: readonly number[];
} & (
  | { readonly kind: 'uniform' | 'abs'; readonly offset?: number; readonly scale: number }
  | { readonly kind: 'const'; readonly value: number }
  | { readonly kind: 'grid'; readonly rows: number; readonly cols: number }
  | { readonly kind: 'positions' }
  | { readonly kind: 'picture'; readonly layers: readonly (readonly [number, number])[]; readonly gain?: number }
);

/** A file of them, as weights.json and inputs.json describe it. */
export interface FormulaFile {
  /** 64 bits in hexadecimal. */
  readonly seed: string;
  readonly file: string;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly sha256: string;
  readonly bytes: number;
  readonly tensors: readonly FormulaTensor[];
}

const ITEM_BYTES = { F32: 4, F16: 2, I64: 8, U8: 1 } as const;
const MASK = 0xffffffffffffffffn;

export function elements({ shape }: Pick<FormulaTensor, 'shape'>): number {
  return shape.reduce((product, size) => product * size, 1);
}

function start(name: string, seed: bigint): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(name)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & MASK;
  return hash ^ seed;
}

/** Upper halves of a tensor's random words: splitmix64 in two halves of 32 bits, since BigInt would take minutes. */
export function upperWords(name: string, seed: string, count: number): Uint32Array {
  const state = start(name, BigInt(seed));
  let high = Number(state >> 32n);
  let low = Number(state & 0xffffffffn);
  const words = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    low += 0x7f4a7c15;
    high = (high + 0x9e3779b9 + (low > 0xffffffff ? 1 : 0)) >>> 0;
    low >>>= 0;
    let l = (low ^ ((low >>> 30) | (high << 2))) >>> 0;
    let h = (high ^ (high >>> 30)) >>> 0;
    h = upperProduct(h, l, 0xbf58476d, 0x1ce4e5b9);
    l = Math.imul(l, 0x1ce4e5b9) >>> 0;
    const next = (l ^ ((l >>> 27) | (h << 5))) >>> 0;
    h = (h ^ (h >>> 27)) >>> 0;
    h = upperProduct(h, next, 0x94d049bb, 0x133111eb);
    words[i] = h ^ (h >>> 31);
  }
  return words;
}

/** Bits 32 … 63 of (ah, al) · (bh, bl). */
function upperProduct(ah: number, al: number, bh: number, bl: number): number {
  const [a0, a1, b0, b1] = [al & 0xffff, al >>> 16, bl & 0xffff, bl >>> 16];
  const middle = ((a0 * b0) >>> 16) + ((a1 * b0) & 0xffff) + ((a0 * b1) & 0xffff);
  const carry = a1 * b1 + ((a1 * b0) >>> 16) + ((a0 * b1) >>> 16) + (middle >>> 16);
  return (carry + Math.imul(ah, bl) + Math.imul(al, bh)) >>> 0;
}

/** Values of a tensor, as float64 before they are rounded; bytes for pictures. */
function valuesOf(tensor: FormulaTensor, seed: string): Float64Array | Uint8Array {
  const count = elements(tensor);
  switch (tensor.kind) {
    case 'uniform':
    case 'abs': {
      const { offset = 0, scale, kind } = tensor;
      return Float64Array.from(upperWords(tensor.name, seed, count), (word) => {
        const u = ((word >>> 8) - 0x800000) / 0x800000;
        return offset + scale * (kind === 'abs' ? Math.abs(u) : u);
      });
    }
    case 'const':
      return new Float64Array(count).fill(tensor.value);
    case 'grid': {
      const at = (i: number, n: number): number => (i === 0 ? -1 : i === n - 1 ? 1 : -1 + i * (2 / (n - 1)));
      const { rows, cols } = tensor;
      return Float64Array.from({ length: count }, (_, i) =>
        i % 2 === 0 ? at((i >> 1) % cols, cols) : at(Math.floor((i >> 1) / cols), rows),
      );
    }
    case 'positions': {
      const width = tensor.shape[2] as number;
      return Float64Array.from({ length: count }, (_, i) => {
        const even = (i % width) - (i % 2);
        const angle = Math.floor(i / width) * Math.exp((-even * Math.log(10000)) / width);
        return i % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
      });
    }
    case 'picture':
      return picture(tensor, seed);
  }
}

/** Smooth noise in whole numbers. */
function picture(tensor: FormulaTensor & { readonly kind: 'picture' }, seed: string): Uint8Array {
  const [height, width] = tensor.shape.slice(-2) as [number, number];
  const count = elements(tensor);
  const planes = count / height / width;
  const sums = new Int32Array(count);
  tensor.layers.forEach(([bits, weight], layer) => {
    const cell = 1 << bits;
    const rows = ((height - 1) >> bits) + 2;
    const columns = ((width - 1) >> bits) + 2;
    const lattice = upperWords(`${tensor.name}#${layer}`, seed, planes * rows * columns);
    const k = (plane: number, row: number, column: number): number => (lattice[(plane * rows + row) * columns + column] as number) >>> 24;
    let at = 0;
    for (let plane = 0; plane < planes; plane++) {
      for (let y = 0; y < height; y++) {
        const row = y >> bits;
        const fy = y % cell;
        for (let x = 0; x < width; x++) {
          const column = x >> bits;
          const fx = x % cell;
          const upper = (cell - fx) * k(plane, row, column) + fx * k(plane, row, column + 1);
          const lower = (cell - fx) * k(plane, row + 1, column) + fx * k(plane, row + 1, column + 1);
          const v = (cell - fy) * upper + fy * lower;
          sums[at] = (sums[at] as number) + weight * ((v + ((cell * cell) >> 1)) >> (2 * bits));
          at++;
        }
      }
    }
  });
  const gain = tensor.gain ?? 1;
  return Uint8Array.from(sums, (sum) => Math.max(0, Math.min(255, 128 + gain * (((sum + 8) >> 4) - 128))));
}

/** A tensor's bytes in its file. */
export function formulaBytes(tensor: FormulaTensor, seed: string): Uint8Array {
  const values = valuesOf(tensor, seed);
  if (values instanceof Uint8Array) return values;
  switch (tensor.dtype) {
    case 'F32':
      return new Uint8Array(Float32Array.from(values).buffer);
    case 'F16':
      return new Uint8Array(Uint16Array.from(values, (value) => f32ToF16Bits(Math.fround(value))).buffer);
    case 'I64':
      return new Uint8Array(BigInt64Array.from(values, (value) => BigInt(value)).buffer);
    case 'U8':
      return Uint8Array.from(values);
  }
}

/** The safetensors file. @throws Error where it is not the one that was described. */
export function formulaFile({ seed, file, metadata, sha256, bytes, tensors }: FormulaFile): Uint8Array {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  let end = 0;
  for (const tensor of tensors) {
    const begin = end;
    end += elements(tensor) * ITEM_BYTES[tensor.dtype];
    header[tensor.name] = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [begin, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const first = 8 + Math.ceil(text.length / 8) * 8;
  const whole = new Uint8Array(first + end).fill(32, 8, first);
  new DataView(whole.buffer).setBigUint64(0, BigInt(first - 8), true);
  whole.set(text, 8);
  let at = first;
  for (const tensor of tensors) {
    const part = formulaBytes(tensor, seed);
    whole.set(part, at);
    at += part.length;
  }
  const found = createHash('sha256').update(whole).digest('hex');
  if (found !== sha256 || whole.length !== bytes) {
    throw new Error(`${file}: ${whole.length} bytes with sha256 ${found}, expected ${bytes} with ${sha256}`);
  }
  return whole;
}
