/** One subcommand of `warmstep`. */
export interface Command {
  readonly name: string;
  /** One line for the overview. */
  readonly summary: string;
  /** Complete help text. */
  readonly usage: string;
  /** Runs with the arguments after the name; resolves to the exit code. Errors are printed by the caller. */
  run(args: readonly string[]): Promise<number>;
}
