import { type ByteSource, type CheckpointSource, memorySource } from '../../src/checkpoints/source.js';
import type { Files } from './folders.js';

const SLACK = 1 << 20;

/** A read that no file could justify: not an error a caller may catch as one of the engine's own. */
export class UnboundedReadError extends Error {}

/** A folder that fails a test when a loader asks for bytes beyond a file, or allocates more than the file plus 1 MiB. */
export function boundedSource(files: Files): CheckpointSource {
  const source = memorySource('bounded', files);
  return { ...source, open: async (file) => bounded(await source.open(file)) };
}

export function bounded(source: ByteSource): ByteSource {
  return {
    name: source.name,
    size: source.size,
    read: (offset, into) => {
      const isWithin = Number.isSafeInteger(offset) && offset >= 0 && offset + into.byteLength <= source.size;
      if (!isWithin) throw new UnboundedReadError(`${into.byteLength} bytes at ${offset} of ${source.size}`);
      if (into.buffer.byteLength > source.size + SLACK) {
        throw new UnboundedReadError(`a buffer of ${into.buffer.byteLength} bytes for a file of ${source.size}`);
      }
      return source.read(offset, into);
    },
  };
}

/** mulberry32: a small generator, so that a failing case comes back from its seed. Returns integers below `limit`. */
export function seeded(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}
