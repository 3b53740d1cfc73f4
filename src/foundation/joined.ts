/** The bytes of all parts, one after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return filled(new Uint8Array(lengthOf(parts)), parts);
}

/** The numbers of all parts, one after the other. */
export function joinedFloats(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  return filled(new Float32Array(lengthOf(parts)), parts);
}

function lengthOf(parts: readonly { readonly length: number }[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function filled<T extends Uint8Array | Float32Array>(all: T, parts: readonly (Uint8Array | Float32Array)[]): T {
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
