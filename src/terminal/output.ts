/** Prints one line or block to standard output; everything that is not a result goes to standard error. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints a result for programs. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** Prints a remark that is not part of the result. */
export function printNote(text: string): void {
  process.stderr.write(`note: ${text}\n`);
}
