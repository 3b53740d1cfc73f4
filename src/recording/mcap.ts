import { RecordingError } from './error.js';

type Mcap = typeof import('@mcap/core');

/** The package that writes and reads MCAP, an optional peer: loaded when something is recorded or read. @throws RecordingError where it is missing. */
export async function loadMcap(): Promise<Mcap> {
  try {
    return await import('@mcap/core');
  } catch (cause) {
    throw new RecordingError(
      `recordings are MCAP files, and the package @mcap/core, which writes and reads them, cannot be loaded ` +
        `(${(cause as Error).message}). Install it beside warmstep: npm install @mcap/core`,
      { cause },
    );
  }
}
