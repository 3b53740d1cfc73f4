/** A generator of numbers from 0 to 1 that is the same everywhere (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A message with something wrong in it: bytes changed, cut off, added, moved, or noise altogether. Some are right by chance. */
export function changed(message: Uint8Array, random: () => number): Uint8Array {
  const below = (count: number): number => Math.floor(random() * count);
  switch (below(6)) {
    case 0: {
      const bytes = message.slice();
      for (let i = 0; i <= below(4); i++) bytes[below(bytes.length)] = below(256);
      return bytes;
    }
    case 1:
      return message.slice(0, below(message.length));
    case 2: {
      const bytes = new Uint8Array(message.length + 1 + below(8));
      bytes.set(message);
      for (let i = message.length; i < bytes.length; i++) bytes[i] = below(256);
      return bytes;
    }
    case 3: {
      const at = below(message.length);
      return Uint8Array.of(...message.subarray(0, at), ...message.subarray(Math.min(message.length, at + 1 + below(8))));
    }
    case 4: {
      const at = below(message.length);
      // Lengths of 16 and 32 bits, extensions, floats that are not finite.
      const inserted = [
        [0xdb, 0xff, 0xff, 0xff, 0xff],
        [0xdf, 0x7f, 0xff, 0xff, 0xff],
        [0xc7, 0x04, 0x01],
        [0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0],
      ];
      return Uint8Array.of(...message.subarray(0, at), ...(inserted[below(inserted.length)] as number[]), ...message.subarray(at));
    }
    default:
      return Uint8Array.from({ length: below(200) }, () => below(256));
  }
}
