/**
 * The same network over the same weights through other engines and through this one, in turns (`npm run bench:peers`).
 * bench/peers/README.md says how to read it.
 */
import { Interrupted, interruptible } from '../src/terminal/interrupt.js';
import { isUsageError } from '../src/terminal/options.js';
import { print } from '../src/terminal/output.js';
import { hasPassed } from './peers/contest.js';
import { readOptions, USAGE } from './peers/options.js';
import { report } from './peers/report.js';
import { runPeers } from './peers/run.js';

/** Exit codes as those of warmstep; 1 also where an engine computes something else, or one of ours is missing. */
try {
  const options = readOptions(process.argv.slice(2));
  const record = await interruptible((signal) => runPeers(options, signal));
  print(report(record));
  process.exitCode = hasPassed(record) ? 0 : 1;
} catch (error) {
  const usage = isUsageError(error);
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage ? `\n${USAGE}\n` : ''}`);
  process.exitCode = error instanceof Interrupted ? 130 : usage ? 2 : 1;
}
