/** What messages are made of. Typed arrays are lists; a member that is undefined is left out. */
export type Json = number | string | boolean | null | undefined | ArrayLike<number> | readonly Json[] | { readonly [key: string]: Json };

/**
 * JSON that brings every finite number back with its bits. JSON.stringify writes the 0 of −0, and typed arrays as objects. What is not
 * finite is null.
 */
export function exactJson(value: Json): string {
  if (typeof value === 'number') return numberText(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  if (ArrayBuffer.isView(value)) return `[${Array.from(value as unknown as ArrayLike<number>, numberText).join(',')}]`;
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(exactJson).join(',')}]`;
  const members = Object.entries(value as { readonly [key: string]: Json }).filter(([, member]) => member !== undefined);
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${exactJson(member)}`).join(',')}}`;
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Pieces of this size fit the stack as arguments; a multiple of 3, so that texts can be joined. */
const PIECE_BYTES = 3 * 4096;

export function toBase64(bytes: Uint8Array): string {
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    pieces.push(btoa(String.fromCharCode(...bytes.subarray(at, at + PIECE_BYTES))));
  }
  return pieces.join('');
}

/** @throws where the text is no base64. */
export function fromBase64(text: string): Uint8Array {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
