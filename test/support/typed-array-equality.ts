import { expect } from 'vitest';

/**
 * Typed arrays of the same bytes are equal. Element by element, as expectations compare them, a megabyte takes seconds.
 * Where bytes differ the usual comparison decides, and shows the difference: two NaN of different bits are equal to it.
 */
function hasSameBytes(found: unknown, expected: unknown): true | undefined {
  if (!ArrayBuffer.isView(found) || !ArrayBuffer.isView(expected) || found.constructor !== expected.constructor) return undefined;
  return Buffer.compare(bytes(found), bytes(expected)) === 0 ? true : undefined;
}

const bytes = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

// Files that share a process share the list of testers too.
const shared = globalThis as { hasTypedArrayEquality?: boolean };
if (!shared.hasTypedArrayEquality) {
  shared.hasTypedArrayEquality = true;
  expect.addEqualityTesters([hasSameBytes]);
}
