/** Fills the upper half of a character cell with the foreground; the background fills the lower half. */
const UPPER_HALF = '▀';
const RESET = '\x1b[0m';

/** A square RGB picture, [from, from, 3], as [to, to, 3] with to ≤ from: every pixel is the mean of those it covers. */
export function shrink(picture: Uint8Array, from: number, to: number): Uint8Array {
  const result = new Uint8Array(to * to * 3);
  const edge = (i: number): number => Math.floor((i * from) / to);
  for (let y = 0; y < to; y++) {
    for (let x = 0; x < to; x++) {
      const covered = (edge(y + 1) - edge(y)) * (edge(x + 1) - edge(x));
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let row = edge(y); row < edge(y + 1); row++) {
          for (let column = edge(x); column < edge(x + 1); column++) sum += picture[(row * from + column) * 3 + channel] ?? 0;
        }
        result[(y * to + x) * 3 + channel] = Math.round(sum / covered);
      }
    }
  }
  return result;
}

/**
 * A square RGB picture, [size, size, 3] with an even size, as size / 2 lines of size characters: each character shows two
 * pixels, one above the other, in 24-bit colour. A colour is written where it changes only; lines end uncoloured.
 */
export function halfBlocks(picture: Uint8Array, size: number): string[] {
  const colourAt = (x: number, y: number): string => picture.subarray((y * size + x) * 3, (y * size + x) * 3 + 3).join(';');
  return Array.from({ length: size / 2 }, (_, line) => {
    let text = '';
    let [upper, lower] = ['', ''];
    for (let x = 0; x < size; x++) {
      const [above, below] = [colourAt(x, 2 * line), colourAt(x, 2 * line + 1)];
      if (above !== upper) text += `\x1b[38;2;${above}m`;
      if (below !== lower) text += `\x1b[48;2;${below}m`;
      [upper, lower] = [above, below];
      text += UPPER_HALF;
    }
    return text + RESET;
  });
}
