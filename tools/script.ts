import { usageText } from '../src/terminal/command-line.js';
import { Interrupted } from '../src/terminal/interrupt.js';
import { print, printAside } from '../src/terminal/output.js';

/**
 * Runs a script of this repository to its exit code, which is as that of warmstep: 0 done, 1 failed, 2 a wrong command line, 130 Ctrl-C. `command`: how it
 * is called; `usage`: what --help prints.
 */
export async function runScript(command: string, usage: string, main: (args: string[]) => Promise<number>): Promise<void> {
  const args = process.argv.slice(2);
  if (args.some((text) => text === '--help' || text === '-h')) {
    print(usage);
    return;
  }
  try {
    process.exitCode = await main(args);
  } catch (error) {
    const wrong = usageText(error, `${command} --help`);
    printAside(wrong ?? (error instanceof Error ? (error.stack ?? error.message) : String(error)));
    process.exitCode = wrong === undefined ? (error instanceof Interrupted ? 130 : 1) : 2;
  }
}
