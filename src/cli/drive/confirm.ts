import { createInterface } from 'node:readline';
import { printAside } from '../../terminal/output.js';

/** Asks on standard error, and reads a line of an answer. Whatever is not "yes", also the end of the input, is a no. */
export async function confirmed(question: string, signal: AbortSignal, input: NodeJS.ReadableStream = process.stdin): Promise<boolean> {
  printAside(question);
  const lines = createInterface({ input });
  try {
    return await new Promise<boolean>((resolve) => {
      lines.once('line', (answer) => resolve(answer.trim().toLowerCase() === 'yes'));
      lines.once('close', () => resolve(false));
      signal.addEventListener('abort', () => resolve(false), { once: true });
      if (signal.aborted) resolve(false);
    });
  } finally {
    lines.close();
    input.pause();
  }
}
