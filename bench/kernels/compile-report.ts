import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type CompiledRecord, parseCompiled } from './compiled.js';
import type { DecisionChoice } from './network.js';

const CHILD = fileURLToPath(new URL('compile-kernels.js', import.meta.url));

/**
 * What the driver made of every kernel of a decision. Drivers that say nothing give a record of labels alone; one that does
 * writes a line `STAT|name=value|…` for each pipeline on standard error.
 */
export async function compileReport(choice: DecisionChoice, adapter: string | undefined): Promise<CompiledRecord> {
  const child = spawn(process.execPath, [CHILD, JSON.stringify({ choice, adapter })], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const [said, wrote, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`compiling the kernels failed with exit code ${code}: ${wrote.slice(-2000)}`);
  const { size, precision, batch, horizon, steps } = choice;
  return {
    adapter: said,
    decision: `${size}, ${precision}, batch ${batch}, horizon ${horizon}, ${steps} evaluations`,
    kernels: parseCompiled(wrote),
  };
}
