import { hubFolder } from '../platform/node/hub/hub-folder.js';
import { isHubReference, parseHubReference } from '../remote/hub/reference.js';
import { bytes } from '../terminal/format.js';
import { interruptible } from '../terminal/interrupt.js';
import { printNote } from '../terminal/output.js';
import { Progress } from '../terminal/progress.js';

/** The folder on disk that the command line names: of `hf:…` the one in the cache, loaded where it is not there. */
export async function localFolder(place: string): Promise<string> {
  if (!isHubReference(place)) return place;
  const reference = parseHubReference(place);
  const progress = new Progress();
  return interruptible((signal) =>
    hubFolder(reference, {
      signal,
      onProgress: (done, total) => progress.update(`loading ${place}: ${bytes(done)} of ${bytes(total)}`),
      onWarning: (warning) => printNote(warning),
    }),
  ).finally(() => progress.done());
}
