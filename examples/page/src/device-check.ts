import type { KnownAnswer } from 'warmstep/known-answer';

/** What the worker of the check says: the comparison, or why there is none. */
export type CheckAnswer = { readonly found: KnownAnswer } | { readonly failure: string };

/** Whether this browser's device computes what the host computes, in words. */
export interface Verdict {
  /** Something is wrong with the device; not so where the check could not be loaded, offline say. */
  readonly isAlarm: boolean;
  readonly text: string;
}

/** A driver that hangs says nothing, ever. */
const PATIENCE_MS = 60_000;

/** Runs one kernel whose result is known, as `warmstep doctor` does, in a worker that ends with it. */
export async function checkDevice(): Promise<Verdict> {
  const worker = new Worker('check-worker.js', { type: 'module' });
  try {
    return verdictOn(await firstAnswer(worker));
  } finally {
    worker.terminate();
  }
}

function firstAnswer(worker: Worker): Promise<CheckAnswer | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ failure: `no answer within ${PATIENCE_MS / 1000} s` }), PATIENCE_MS);
    const settle = (answer: CheckAnswer | undefined): void => {
      clearTimeout(timer);
      resolve(answer);
    };
    worker.addEventListener('message', ({ data }: MessageEvent<CheckAnswer>) => settle(data));
    // A script that could not be fetched has no message; one that fails has.
    worker.addEventListener('error', ({ message }) => settle(message ? { failure: message } : undefined));
  });
}

function verdictOn(answer: CheckAnswer | undefined): Verdict {
  if (!answer) return { isAlarm: false, text: 'not known: the check could not be loaded' };
  if ('failure' in answer) return { isAlarm: true, text: `The check of this device could not run: ${answer.failure}` };
  const { kernel, largestError, tolerance, ok } = answer.found;
  const error = `${kernel} on this device against float64 on the host: largest error ${largestError.toExponential(1)}`;
  const allowed = `${tolerance.toExponential(0)} is allowed`;
  if (ok) return { isAlarm: false, text: `yes: ${error}, ${allowed}` };
  const remedy = 'Actions cannot be trusted: update the driver, or use another browser or adapter.';
  return { isAlarm: true, text: `NO: ${error}, where ${allowed}. ${remedy}` };
}
