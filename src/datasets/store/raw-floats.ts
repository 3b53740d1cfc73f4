import type { ByteSource } from '../../checkpoints/source.js';

/** Rows that are read at once of what has no blocks of its own: about a megabyte. */
export function blockRowsFor(bytesPerRow: number): number {
  return Math.max(1, Math.floor((1 << 20) / Math.max(1, bytesPerRow)));
}

/** `length` bytes of a file from a position, in a buffer of their own. */
export async function readBytes(file: ByteSource, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  await file.read(offset, bytes);
  return bytes;
}

/** Little-endian f32, which is the host's order wherever WebGPU exists. */
export function floatsOf(bytes: Uint8Array<ArrayBuffer>): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
