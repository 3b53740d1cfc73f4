/** x of A x = b for three unknowns, by elimination with pivots. */
export function solve3(a: readonly (readonly number[])[], b: readonly number[]): number[] {
  const rows = a.map((row, i) => [...row, b[i] as number]);
  const at = (row: number, column: number): number => (rows[row] as number[])[column] as number;
  for (let i = 0; i < 3; i++) {
    let pivot = i;
    for (let row = i; row < 3; row++) if (Math.abs(at(row, i)) > Math.abs(at(pivot, i))) pivot = row;
    [rows[i], rows[pivot]] = [rows[pivot] as number[], rows[i] as number[]];
    for (let row = 0; row < 3; row++) {
      if (row === i) continue;
      const factor = at(row, i) / at(i, i);
      for (let column = i; column < 4; column++) (rows[row] as number[])[column] = at(row, column) - factor * at(i, column);
    }
  }
  return [0, 1, 2].map((i) => at(i, 3) / at(i, i));
}
