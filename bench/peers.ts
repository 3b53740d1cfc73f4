/**
 * The same network over the same weights through other engines and through this one, in turns (`npm run bench:peers`).
 * bench/peers/README.md says how to read it.
 */
import { outputFileOption } from '../src/cli/output-options.js';
import { interruptible } from '../src/terminal/interrupt.js';
import { print } from '../src/terminal/output.js';
import { runScript } from '../tools/script.js';
import { hasPassed } from './peers/contest.js';
import { readOptions, USAGE } from './peers/options.js';
import { report } from './peers/report.js';
import { runPeers } from './peers/run.js';

/** The exit code is 1 also where an engine computes something else, or one of ours is missing. */
await runScript('npm run bench:peers --', USAGE, async (args) => {
  const options = readOptions(args);
  await outputFileOption('output', options.output);
  const record = await interruptible((signal) => runPeers(options, signal));
  print(report(record));
  return hasPassed(record) ? 0 : 1;
});
