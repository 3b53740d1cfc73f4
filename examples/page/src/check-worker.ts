import { openDevice } from 'warmstep';
import { runKnownAnswer } from 'warmstep/known-answer';
import type { CheckAnswer } from './device-check.js';

/** What `warmstep doctor` computes, on a device of this worker's own. */
async function answer(): Promise<CheckAnswer> {
  try {
    const device = await openDevice();
    try {
      return { found: await runKnownAnswer(device) };
    } finally {
      device.dispose();
    }
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

postMessage(await answer());
