import { OptionError } from '../foundation/errors.js';
import { checkInteger, checkKeys, checkObject, keysOf } from '../foundation/options.js';
import type { Dataset } from './dataset.js';
import { checkAnchors, checkSpec, readWindows, type WindowBatch, type WindowSpec } from './window-batch.js';
import { checkDataset, order } from './windows.js';

/** How far a run has come: windows of this epoch that were handed out. */
export interface BatchPosition {
  readonly epoch: number;
  readonly offset: number;
}

export interface BatchOptions {
  readonly batchSize: number;
  /** Of the order. */
  readonly seed: number;
  /** Default: the beginning. */
  readonly position?: BatchPosition;
}

const BATCH_OPTIONS = keysOf<BatchOptions>({ batchSize: true, seed: true, position: true });

/** A batch, and where a run goes on after it. */
export interface PositionedBatch {
  readonly batch: WindowBatch;
  readonly next: BatchPosition;
}

/**
 * Batches without end, a new order in every epoch; the last batch of an epoch is what is left of it. While one is worked with, the
 * next is read. A run that goes on at a `next` sees what it would have seen without the break.
 * @throws OptionError; DatasetError as `readRows`, when that batch is asked for.
 */
export async function* windowBatches(
  dataset: Dataset,
  spec: WindowSpec,
  anchorRows: Int32Array,
  options: BatchOptions,
): AsyncGenerator<PositionedBatch, never> {
  const where = 'windowBatches';
  checkDataset(where, dataset);
  checkSpec(where, dataset, spec);
  checkKeys(where, options, BATCH_OPTIONS);
  const rows = checkAnchors(where, dataset, anchorRows);
  if (rows.length === 0) {
    throw new OptionError(`${where}: expected anchors, found none: the data set has no frame that windows can be built around.`);
  }
  const { batchSize, seed, position = { epoch: 0, offset: 0 } } = options;
  checkInteger(where, 'batchSize', batchSize, 1, 1_000_000);
  checkObject(where, 'position', position);
  checkInteger(where, 'position.offset', position.offset, 0, rows.length);
  let { epoch, offset } = position;
  let permutation = order(rows.length, seed, epoch);
  const begin = (): { next: BatchPosition; reading: Promise<WindowBatch> } => {
    if (offset >= rows.length) {
      epoch++;
      offset = 0;
      permutation = order(rows.length, seed, epoch);
    }
    const chosen = Int32Array.from(permutation.subarray(offset, offset + batchSize), (at) => rows[at] as number);
    offset += chosen.length;
    const reading = readWindows(dataset, spec, chosen);
    // Whoever asks for this batch gets the error; until then it is nobody's.
    reading.catch(() => {});
    return { next: { epoch, offset }, reading };
  };
  let ahead = begin();
  while (true) {
    const { next, reading } = ahead;
    const batch = await reading;
    ahead = begin();
    yield { batch, next };
  }
}
