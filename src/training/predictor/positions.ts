/**
 * The position tables of the reference: row p holds sin(p · f) in even channels and cos(p · f) in odd ones, f = 10000^(−2⌊c / 2⌋ / width).
 * f32 [rows][width].
 */
export function positionTable(rows: number, width: number): Float32Array<ArrayBuffer> {
  const table = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let channel = 0; channel < width; channel++) {
      const angle = row * Math.exp((-Math.log(10000) * (channel - (channel % 2))) / width);
      table[row * width + channel] = channel % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    }
  }
  return table;
}
